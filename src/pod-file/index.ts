export { readPodFile, type PodFile, type PodFileFormat, type ReadOptions } from './read-pod-file.ts';
export type { ReadUri } from './read-uri.ts';
export { podFileSchema } from './schema/json-schema.ts';
