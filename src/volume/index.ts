export { checkBindSource } from './bind-source.ts';
export type { Seeding } from './seedings.ts';
export type { VolumeRecord } from './volume-record.ts';
export { Volumes, type VolumeSpec } from './volumes.ts';
