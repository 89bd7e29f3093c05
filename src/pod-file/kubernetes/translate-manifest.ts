import type { PodSpec, RestartPolicy } from '../../contract/index.ts';
import type { PlannedPod } from '../planned-file.ts';
import type { Problems } from '../problems.ts';
import { byName } from '../translate/by-name.ts';
import type { ConfigData } from './config-data.ts';
import { portsOf, translateContainer } from './container.ts';
import type { Manifest } from './manifest-fields.ts';
import { References } from './references.ts';
import { sizeOf, vmSize } from './size.ts';
import { PodVolumes } from './volumes.ts';

const policies = { Always: 'always', OnFailure: 'onFailure', Never: 'never' } as const satisfies Record<
  string,
  RestartPolicy
>;

/** A manifest's fields as what the API takes. */
export function translateManifest({ metadata, spec }: Manifest, data: ConfigData, problems: Problems): PlannedPod {
  const { hostname, containers, restartPolicy = 'Always', hostAliases = [], securityContext: rights } = spec;
  byName(
    containers,
    ({ name }) => name,
    (index) => ['spec', 'containers', index, 'name'],
    problems,
  );
  const volumes = new PodVolumes(spec.volumes ?? [], containers, data, problems);
  const context = { volumes, data, rights, references: new References() };
  const all = containers.map((container, index) => {
    const at = ['spec', 'containers', index];
    const size = sizeOf(container, at, problems);
    return { size, planned: translateContainer(container, context, size, at, problems) };
  });
  if (context.references.areTooLong) problems.add(['spec', 'containers'], 'their variables must bring 1 MiB at most');
  const ports = containers.flatMap(portsOf);
  const hosts = hostAliases.flatMap(({ ip, hostnames }) => hostnames.map((name) => ({ name, address: ip })));
  if (spec.dnsPolicy === 'None' && (spec.dnsConfig?.nameservers ?? []).length === 0) {
    problems.add(['spec', 'dnsConfig', 'nameservers'], 'is missing: dnsPolicy None needs servers');
  }
  return {
    spec: {
      ...{ name: metadata?.name, labels: metadata?.labels, hostname },
      ...vmSize(all.map(({ size }) => size)),
      restartPolicy: policies[restartPolicy],
      dns: dnsOf(spec.dnsConfig),
      hosts: hosts.length === 0 ? undefined : hosts,
      ports: ports.length === 0 ? undefined : ports,
      sysctls: sysctlsOf(rights),
    },
    containers: all.map(({ planned }) => planned),
  };
}

function dnsOf(config: Manifest['spec']['dnsConfig']): PodSpec['dns'] {
  if (config === undefined) return undefined;
  const options = config.options?.map(({ name, value }) => (value === undefined ? name : `${name}:${value}`));
  return { servers: config.nameservers, search: config.searches, options };
}

function sysctlsOf(rights: Manifest['spec']['securityContext']): PodSpec['sysctls'] {
  if (rights?.sysctls === undefined) return undefined;
  return Object.fromEntries(rights.sysctls.map(({ name, value }) => [name, value]));
}
