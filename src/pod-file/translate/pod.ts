import { podDefaultsOfFiles } from '../pod-defaults.ts';
import type { PodSpec, PortSpec, RestartPolicy } from '../../contract/index.ts';
import { showFound } from '../found.ts';
import type { PlannedPod } from '../planned-file.ts';
import { type FieldPath, type Problems, showPath } from '../problems.ts';
import type { Interface, PodFields } from '../schema/pod-fields.ts';
import { byName } from './by-name.ts';
import { translateContainer, translateInitContainer } from './container.ts';
import { PodFiles } from './files.ts';
import { HostPorts } from './host-ports.ts';
import { translatePorts } from './ports.ts';
import { translateServices } from './services.ts';

/** A pod file's fields as what the API takes. */
export function translatePod(fields: PodFields, problems: Problems): PlannedPod {
  const { id, hostname, labels, resource, maxRestarts, dns, dnsSearch, dnsOptions, interfaces = [] } = fields;
  const volumes = byName(
    fields.volumes ?? [],
    ({ name }) => name,
    (index) => ['volumes', index, 'name'],
    problems,
  );
  const files = new PodFiles(fields.files ?? [], problems);
  const inits = fields.initContainers ?? [];
  const placeOf = (index: number): FieldPath =>
    index < fields.containers.length ? ['containers', index] : ['initContainers', index - fields.containers.length];
  byName(
    [...fields.containers, ...inits],
    ({ name }) => name,
    (index) => [...placeOf(index), 'name'],
    problems,
  );
  byName(
    interfaces,
    (each) => each.id,
    (index) => ['interfaces', index, 'id'],
    problems,
  );
  checkResources(fields, problems);
  const context = { volumes, files, tty: fields.tty };
  const containers = fields.containers.map((container, index) =>
    translateContainer(container, context, ['containers', index], problems),
  );
  const initContainers = inits.map((container, index) =>
    translateInitContainer(container, { ...context, tty: undefined }, ['initContainers', index], problems),
  );
  const hasDns = [dns, dnsSearch, dnsOptions].some((each) => each !== undefined);
  return {
    spec: {
      ...{ name: id, hostname, labels, maxRestarts },
      ...{ vcpus: resource?.vcpu, memoryMiB: resource?.memory, storageMiB: resource?.storage },
      restartPolicy: restartOf(fields, problems),
      sysctls: sysctlsOf(fields, problems),
      networks: interfaces.length === 0 ? undefined : interfaces.map(networkOf),
      dns: hasDns ? { servers: dns, search: dnsSearch, options: dnsOptions } : undefined,
      ports: portsOf(fields, problems),
      whiteLists: whiteListsOf(fields, problems),
      services: translateServices(fields.services, problems),
    },
    containers,
    initContainers,
  };
}

function networkOf({ network = 'default', ip, mac }: Interface): NonNullable<PodSpec['networks']>[number] {
  return { network, address: ip?.replace(/\/.*/, ''), mac };
}

function whiteListsOf({ portmappingWhiteLists: lists }: PodFields, problems: Problems): PodSpec['whiteLists'] {
  if (lists === undefined) return undefined;
  const { internalNetworks: internal = [], externalNetworks: external = [] } = lists;
  if (internal.length + external.length === 0) {
    problems.add(
      ['portmappingWhiteLists'],
      'must name a network in internalNetworks or externalNetworks, found none: leave it out, and everyone may reach the pod',
    );
  }
  return { internal, external };
}

/** As many as the API takes. */
const mostPorts = 1024;

function portsOf({ portmappings = [], containers }: PodFields, problems: Problems): PodSpec['ports'] {
  const mappings = [
    ...portmappings.map((mapping, index) => ({ mapping, at: ['portmappings', index] })),
    ...containers.flatMap(({ ports = [] }, container) =>
      ports.map((mapping, index) => ({ mapping, at: ['containers', container, 'ports', index] })),
    ),
  ];
  const all: PortSpec[] = [];
  const taken = new HostPorts(problems);
  for (const { mapping, at } of mappings) {
    const ports = translatePorts(mapping, at, problems);
    for (const port of ports) taken.note(port, at);
    all.push(...ports);
    if (all.length <= mostPorts) continue;
    problems.add(at, `is one too many: a pod may have ${mostPorts} ports`);
    break;
  }
  return all.length === 0 ? undefined : all;
}

function restartOf(fields: PodFields, problems: Problems): RestartPolicy | undefined {
  const policy = restartPolicyOf(fields, problems);
  if (fields.maxRestarts !== undefined && policy !== 'onFailure') {
    problems.add(
      ['maxRestarts'],
      `is for the restartPolicy onFailure, found ${fields.maxRestarts} beside ${policy ?? 'never'}: give onFailure, or leave it out`,
    );
  }
  return policy;
}

/** Containers had policies of their own in 0.2.1: a pod has one. */
function restartPolicyOf({ restartPolicy, containers }: PodFields, problems: Problems): RestartPolicy | undefined {
  let policy = restartPolicy;
  containers.forEach(({ restartPolicy: own }, index) => {
    if (own === undefined) return;
    policy ??= own;
    if (own !== policy) {
      const at = ['containers', index, 'restartPolicy'];
      problems.unsupported(at, `all containers of a pod have one policy, found ${own} beside ${policy}`);
    }
  });
  return policy;
}

/** A pod has one kernel. */
function sysctlsOf({ containers }: PodFields, problems: Problems): PodSpec['sysctls'] {
  const sysctls = new Map<string, { readonly value: string; readonly at: readonly (string | number)[] }>();
  containers.forEach(({ sysctl = {} }, index) => {
    for (const [name, value] of Object.entries(sysctl)) {
      const at = ['containers', index, 'sysctl', name];
      const other = sysctls.get(name);
      if (other === undefined) sysctls.set(name, { value, at });
      else if (other.value !== value) {
        problems.add(
          at,
          `must be the same in all containers, which share a kernel, found ${showFound(value)} and in ${showPath(other.at)} ${showFound(other.value)}`,
        );
      }
    }
  });
  return sysctls.size === 0 ? undefined : Object.fromEntries([...sysctls].map(([name, { value }]) => [name, value]));
}

function checkResources({ resource, containers, initContainers = [] }: PodFields, problems: Problems): void {
  const { vcpu = podDefaultsOfFiles.vcpus, memory = podDefaultsOfFiles.memoryMiB } = resource ?? {};
  const all = [
    ...containers.map(({ resource: own }, index) => ({ own, at: ['containers', index, 'resource'] })),
    ...initContainers.map(({ resource: own }, index) => ({ own, at: ['initContainers', index, 'resource'] })),
  ];
  all.forEach(({ own, at }) => {
    if ((own?.cpus ?? 0) > vcpu) {
      problems.add(
        [...at, 'cpus'],
        `must be at most the VM's ${vcpu}, found ${own?.cpus ?? 0}: give more in resource.vcpu`,
      );
    }
    if ((own?.memory ?? 0) > memory) {
      problems.add(
        [...at, 'memory'],
        `must be at most the VM's ${memory} MB, found ${own?.memory ?? 0}: give more in resource.memory`,
      );
    }
  });
}
