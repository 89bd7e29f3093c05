import { HyperError } from '../../lib/errors.ts';
import { WorkerThread, crashError, fromPortable, workerEntry } from '../../lib/worker-thread.ts';
import type { FromDiskWorker, ToDiskWorker } from './disk-messages.ts';
import type { BuildImageDiskOptions, ImageDisk } from './image-disk.ts';

/**
 * Merges the layers of an image into one EROFS and describes its disk, in a worker thread. Copies no file contents. The same
 * layers give the same bytes, so building again into the same folder is harmless.
 *
 * @throws HyperError `corrupt` when the layers do not fit together, `no_space` for a full disk, `cancelled`.
 */
export async function buildImageDisk(options: BuildImageDiskOptions): Promise<ImageDisk> {
  const { layers, outputDir, signal, workerUrl } = options;
  const cancelled = new HyperError('cancelled', 'the building of an image disk was cancelled');
  if (signal?.aborted === true) throw cancelled;
  const outcome = Promise.withResolvers<ImageDisk>();
  outcome.promise.catch(() => undefined); // heard below, unless nothing could be asked
  const worker = new WorkerThread<ToDiskWorker, FromDiskWorker>(
    workerUrl ?? workerEntry(import.meta.url, 'disk-worker'),
    (message) => {
      if ('disk' in message) outcome.resolve(message.disk);
      else outcome.reject(fromPortable(message.error));
    },
    (crash) => {
      outcome.reject(crashError('builds disks', crash));
    },
  );
  const onAbort = (): void => {
    outcome.reject(cancelled);
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    worker.post({ layers, outputDir });
    return await outcome.promise;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await worker.stop();
  }
}
