export {
  type ContainerRecord,
  type MountRecord,
  type NetworkOfPod,
  type PodRecord,
  type PodState,
  podStates,
} from './pod-record.ts';
export type { NetworkRecord } from './network-record.ts';
export { Store } from './store.ts';
export type { VolumeRecord } from './volume-record.ts';
