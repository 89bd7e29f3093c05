export {
  type ContainerRecord,
  type FileRecord,
  type MountRecord,
  type NetworkOfPod,
  type PodRecord,
  type PodState,
  type RestartPolicy,
  podStates,
} from './pod-record.ts';
export {
  type HealthCheckRecord,
  type HealthStatus,
  isReady,
  type ProbeAction,
  type ProbeRecord,
} from './health-record.ts';
export type { EventRecord, StoredEvent } from './event-record.ts';
export type { ExecRecord } from './exec-record.ts';
export type { NetworkRecord } from './network-record.ts';
export type { ServiceOfPod } from './service-record.ts';
export { Store } from './store.ts';
export type { VolumeRecord } from './volume-record.ts';
