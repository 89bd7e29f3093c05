import type { PodSpec } from '../../contract/index.ts';
import type { Problems } from '../problems.ts';
import type { ServiceFields } from '../schema/service-fields.ts';

/** A pod's services as the API takes them; two at one place are told. */
export function translateServices(
  services: readonly ServiceFields[] | undefined,
  problems: Problems,
): PodSpec['services'] {
  const places = new Map<string, number>();
  return services?.map(({ serviceIP, servicePort, protocol = 'tcp', hosts = [] }, index) => {
    const place = `${serviceIP}:${servicePort}/${protocol}`;
    const other = places.get(place);
    if (other !== undefined) problems.add(['services', index], `is ${place} as services[${other}]: give each once`);
    places.set(place, index);
    return {
      ...{ address: serviceIP, port: servicePort, protocol },
      hosts: hosts.map(({ hostIP, hostPort }) => ({ address: hostIP, port: hostPort })),
    };
  });
}
