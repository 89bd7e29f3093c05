import type { ImageProgress } from '../../contract/index.ts';
import type { Engine } from '../../engine/index.ts';
import { AsyncQueue } from '../../lib/async-queue.ts';
import { presentImage, presentImageDetails } from './present.ts';
import type { Handlers } from './route-types.ts';

type ImageRoutes = 'imageList' | 'imageInspect' | 'imagePull' | 'imageLoad' | 'imageRemove';

export function imageHandlers(engine: Engine): Pick<Handlers, ImageRoutes> {
  return {
    imageList: () => Promise.resolve(engine.images.list().map(presentImage)),
    imageInspect: ({ query }) => Promise.resolve(presentImageDetails(engine.images.inspect(query.reference))),
    imagePull: ({ body, signal }) =>
      progressOf(async (onProgress) => {
        const login = body.credentials === undefined ? {} : { credentials: body.credentials };
        const options = { ...login, signal, onProgress };
        return [await engine.images.pull(body.reference, options)];
      }),
    imageLoad: ({ upload, signal }) =>
      progressOf(async (onProgress) => await engine.images.load(upload, { signal, onProgress })),
    imageRemove: async ({ query }) => {
      const { untagged, deleted } = await engine.images.remove(query.reference, query.force ?? false);
      return { untagged: [...untagged], deleted: [...deleted] };
    },
  };
}

type Pulled = Awaited<ReturnType<Engine['images']['pull']>>;

/** Progress while it runs, then a `done` for each image. */
async function* progressOf(
  work: (onProgress: (progress: ImageProgress) => void) => Promise<readonly Pulled[]>,
): AsyncGenerator<ImageProgress> {
  const queue = new AsyncQueue<ImageProgress>();
  const done = work((progress) => queue.push(progress)).finally(() => queue.end());
  done.catch(() => undefined); // thrown below, after what was told before it
  yield* queue;
  for (const { image, reference, changed } of await done) {
    yield { type: 'done', image: presentImage(image), reference, changed };
  }
}
