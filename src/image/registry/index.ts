/** Registries: an image by its reference, from mirrors and the registry itself, verified. */
export { RegistryClient } from './registry-client.ts';
export type { RemoteImage } from './registry-client.ts';
