/** Servers for tests of images: a real registry, one whose faults are scripted, and the tiny images that they serve. */
export { makeServerCertificate } from './certificate-authority.ts';
export { startDockerd } from './dockerd.ts';
export { ociArchive, oldDockerArchive } from './archives.ts';
export { incompressible } from './incompressible.ts';
export { startDockerRegistry, type DockerRegistry } from './docker-registry.ts';
export {
  serveBytes,
  startScriptedRegistry,
  startServer,
  type Exchange,
  type ScriptedRegistry,
} from './scripted-registry.ts';
export { mountSmallDisk } from './small-disk.ts';
export { makeTestFolder, never, openTestStore, type TestStore } from './test-store.ts';
export {
  descriptorOf,
  digestOf,
  tinyImage,
  tinyIndex,
  tinyLayer,
  writeOciLayout,
  type TinyImage,
} from './tiny-image.ts';
