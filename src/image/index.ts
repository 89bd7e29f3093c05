/** Images: found by reference, brought from registries, archives and Docker, kept as disks that a VM can open. */
export { decompressed } from './archive/decompressed.ts';
export { ImageStore } from './image-store.ts';
export type { AddTarOptions, ImageStoreOptions } from './image-store.ts';
export type { ImageRemoval, ImageUser, RemoveOptions } from './image-catalog.ts';
export type { Image, ImageConfig, ImageHealthCheck, ImageLayer } from './image.ts';
export type { ImageDisk } from './disk/index.ts';
export type { ImageProgress, LayerStatus, OnProgress } from './progress.ts';
export type { ImageStoreConfig } from './config.ts';
export type { PulledImage, PullOptions, TransferOptions } from './transfer.ts';
