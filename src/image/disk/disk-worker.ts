/** A worker thread's entry: builds one disk. The other end is buildImageDisk(). */
import { parentPort, type MessagePort } from 'node:worker_threads';
import { toPortable } from '../../lib/worker-thread.ts';
import { buildDisk } from './disk-builder.ts';
import type { FromDiskWorker, ToDiskWorker } from './disk-messages.ts';

function serve(port: MessagePort): void {
  const answer = (message: FromDiskWorker): void => {
    port.postMessage(message);
  };
  port.once('message', ({ layers, outputDir }: ToDiskWorker) => {
    buildDisk(layers, outputDir)
      .then(
        (disk) => answer({ disk }),
        (error: unknown) => answer({ error: toPortable(error) }),
      )
      .finally(() => port.close());
  });
}

if (parentPort === null) throw new Error('disk-worker runs in a worker thread only');
serve(parentPort);
