import type { PodSpec, RestartPolicy } from '../../contract/index.ts';
import type { PlannedPod } from '../planned-file.ts';
import type { FieldPath, Problems } from '../problems.ts';
import { byName } from '../translate/by-name.ts';
import { HostPorts } from '../translate/host-ports.ts';
import type { ConfigData } from './config-data.ts';
import { portsOf, translateContainer } from './container.ts';
import type { Manifest } from './manifest-fields.ts';
import { translateProbes } from './probes.ts';
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
  const { initContainers: inits = [] } = spec;
  const placeOf = (index: number): FieldPath =>
    index < containers.length ? ['spec', 'containers', index] : ['spec', 'initContainers', index - containers.length];
  const both = [...containers, ...inits];
  byName(
    both,
    ({ name }) => name,
    (index) => [...placeOf(index), 'name'],
    problems,
  );
  const volumes = new PodVolumes(spec.volumes ?? [], both, data, problems);
  const context = { volumes, data, rights, references: new References() };
  const all = both.map((container, index) => {
    const at = placeOf(index);
    const size = sizeOf(container, at, problems);
    const planned = translateContainer(container, context, size, at, problems);
    const own = containers[index];
    const probes = own === undefined ? undefined : translateProbes(own, at, problems);
    return { size, planned: probes === undefined ? planned : { ...planned, spec: { ...planned.spec, probes } } };
  });
  if (context.references.areTooLong) problems.add(['spec', 'containers'], 'their variables must bring 1 MiB at most');
  const sizes = all.map(({ size }) => size);
  const planned = all.map((each) => each.planned);
  const published = both.flatMap((container, index) => portsOf(container, placeOf(index)));
  const taken = new HostPorts(problems);
  for (const { port, at } of published) taken.note(port, at);
  const ports = published.map(({ port }) => port);
  const hosts = hostAliases.flatMap(({ ip, hostnames }) => hostnames.map((name) => ({ name, address: ip })));
  if (spec.dnsPolicy === 'None' && (spec.dnsConfig?.nameservers ?? []).length === 0) {
    problems.add(['spec', 'dnsConfig', 'nameservers'], 'is missing: dnsPolicy None needs servers');
  }
  return {
    spec: {
      ...{ name: metadata?.name, labels: metadata?.labels, hostname },
      ...vmSize(sizes.slice(0, containers.length), sizes.slice(containers.length)),
      restartPolicy: policies[restartPolicy],
      dns: dnsOf(spec.dnsConfig),
      hosts: hosts.length === 0 ? undefined : hosts,
      ports: ports.length === 0 ? undefined : ports,
      sysctls: sysctlsOf(rights),
    },
    containers: planned.slice(0, containers.length),
    initContainers: planned.slice(containers.length),
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
