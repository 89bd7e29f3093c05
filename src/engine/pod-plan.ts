import type { Image } from '../image/index.ts';
import { HyperError } from '../lib/errors.ts';
import { newNameSuffix, newPodId } from '../lib/ids.ts';
import type { Networks } from '../network/index.ts';
import type { PodRecord } from '../store/index.ts';
import { planContainers, shortName } from './container-plan.ts';
import { refuseUnlisted, refuseWithoutNetwork } from './health-plan.ts';
import { podLimits } from './limits.ts';
import { planNetwork } from './network-plan.ts';
import { mainNetwork, planServices } from './plan-service.ts';
import { type ContainerSpec, podDefaults, type PodSpec } from './pod-spec.ts';
import { restartOf } from './restart-policy.ts';

/** Of all containers of a new pod, in the record's order: the first is the main one, and init containers come last. */
export function containerSpecs({ containers, initContainers = [] }: PodSpec): readonly ContainerSpec[] {
  return [...containers, ...initContainers];
}

/**
 * A new pod's record, without what its containers mount.
 *
 * @param images of each of `containerSpecs`
 */
export function planPod(spec: PodSpec, images: readonly Image[], networks: Networks): PodRecord {
  const [first] = spec.containers;
  const [image] = images;
  if (first === undefined || image === undefined) throw new HyperError('bad_request', 'a pod needs a container');
  const name = spec.name ?? `${shortName(image, first.image)}-${newNameSuffix()}`;
  const hostname = spec.hostname ?? hostnameOf(name);
  const network = planNetwork(spec, image, networks);
  const specs = containerSpecs(spec);
  const containers = planContainers(specs, images, { name, hostname }, spec.containers.length);
  const main = mainNetwork(network, networks);
  if (main === undefined) refuseWithoutNetwork(containers);
  else refuseUnlisted(containers, network.whiteLists, main.gateway);
  return {
    ...podDefaults,
    id: newPodId(),
    name,
    hostname,
    hostnameIsFormer: false,
    limitsChanging: false,
    storageHasGrown: false,
    replacedBy: null,
    stopping: null,
    state: 'pending',
    ...(spec.vcpus === undefined ? {} : { vcpus: spec.vcpus }),
    ...(spec.memoryMiB === undefined ? {} : { memoryMiB: spec.memoryMiB }),
    ...(spec.storageMiB === undefined ? {} : { storageMiB: spec.storageMiB }),
    ...podLimits({ ...spec, containers: specs }),
    labels: { ...spec.labels },
    autoRemove: spec.autoRemove ?? false,
    ...restartOf(spec),
    createdAt: new Date().toISOString(),
    startedAt: null,
    finishedAt: null,
    reason: null,
    warnings: [],
    vm: null,
    endpoints: [],
    persistedEvent: 0,
    ...network,
    services: planServices(spec.services ?? [], [], { ...network, endpoints: [] }, networks),
    containers,
    nextContainer: 0,
  };
}

/** What a pod calls itself that is not told otherwise. */
export function hostnameOf(name: string): string {
  return name.replace(/_/g, '-').slice(0, 63);
}
