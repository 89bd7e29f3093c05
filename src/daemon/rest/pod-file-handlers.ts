import { podFileSchema, readPodFile } from '../../pod-file/index.ts';
import type { Handlers } from './route-types.ts';

export function podFileHandlers(): Pick<Handlers, 'podFileRead' | 'podFileSchema'> {
  return {
    podFileRead: async ({ body, signal }) => ({ spec: await readPodFile(body, { signal }) }),
    podFileSchema: () => Promise.resolve(podFileSchema()),
  };
}
