export { checkBindSource } from './bind-source.ts';
export { checkFileSystem, diskFormat, type DiskFormat, diskIdentity, openDiskFile } from './disk-file.ts';
export type { HeldDisk } from './disk-holders.ts';
export { nfsAddress, nfsOfVolume, type NfsSource, parseNfs } from './nfs-source.ts';
export type { Seeding } from './seedings.ts';
export type { VolumeRecord } from './volume-record.ts';
export { Volumes, type VolumeSpec } from './volumes.ts';
