/** Images for tests: real ones, cached in `.cache/images/`, and tars made by hand. */
export { busyboxImage, busyboxTar } from './busybox-image.ts';
export { debianImage, debianTar } from './debian-image.ts';
export { makeOciImage, unpackWithUmoci, type OciImageOptions } from './oci-image.ts';
export { ociLayers, type OciLayer } from './oci-blobs.ts';
export * as tarMaker from './tar-maker.ts';
