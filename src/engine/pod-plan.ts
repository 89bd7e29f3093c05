import type { Image } from '../image/index.ts';
import { HyperError } from '../lib/errors.ts';
import { newNameSuffix, newPodId } from '../lib/ids.ts';
import type { Networks } from '../network/index.ts';
import type { PodRecord } from '../store/index.ts';
import { planContainers, shortName } from './container-plan.ts';
import { podLimits } from './limits.ts';
import { planNetwork } from './network-plan.ts';
import { podDefaults, type PodSpec } from './pod-spec.ts';
import { restartOf } from './restart-policy.ts';

/**
 * A new pod's record, without what its containers mount.
 *
 * @param images of each container, in order
 */
export function planPod(spec: PodSpec, images: readonly Image[], networks: Networks): PodRecord {
  const [first] = spec.containers;
  const [image] = images;
  if (first === undefined || image === undefined) throw new HyperError('bad_request', 'a pod needs a container');
  const name = spec.name ?? `${shortName(image, first.image)}-${newNameSuffix()}`;
  const hostname = spec.hostname ?? hostnameOf(name);
  return {
    ...podDefaults,
    id: newPodId(),
    name,
    hostname,
    hostnameIsFormer: false,
    limitsChanging: false,
    storageHasGrown: false,
    state: 'pending',
    ...(spec.vcpus === undefined ? {} : { vcpus: spec.vcpus }),
    ...(spec.memoryMiB === undefined ? {} : { memoryMiB: spec.memoryMiB }),
    ...(spec.storageMiB === undefined ? {} : { storageMiB: spec.storageMiB }),
    ...podLimits(spec),
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
    ...planNetwork(spec, image, networks),
    containers: planContainers(spec.containers, images, { name, hostname }),
    nextContainer: 0,
  };
}

/** What a pod calls itself that is not told otherwise. */
export function hostnameOf(name: string): string {
  return name.replace(/_/g, '-').slice(0, 63);
}
