/** A worker thread's entry: converts one layer. The other end is LayerConverter. */
import { parentPort, type MessagePort } from 'node:worker_threads';
import { toPortable } from '../../lib/worker-thread.ts';
import { ChunkQueue } from './chunk-queue.ts';
import { convertLayer } from './convert-layer.ts';
import type { FromLayerWorker, ToLayerWorker } from './layer-messages.ts';

function serve(port: MessagePort): void {
  const say = (message: FromLayerWorker): void => {
    port.postMessage(message);
  };
  const queue = new ChunkQueue((bytes) => {
    say({ type: 'taken', bytes });
  });
  port.on('message', (message: ToLayerWorker) => {
    switch (message.type) {
      case 'start': {
        const { outputDir, maxBytes } = message;
        convertLayer(queue, maxBytes === undefined ? { outputDir } : { outputDir, maxBytes })
          .then(
            (layer) => say({ type: 'done', layer }),
            (error: unknown) => say({ type: 'failed', error: toPortable(error) }),
          )
          .finally(() => port.close());
        return;
      }
      case 'chunks':
        queue.push(message.chunks);
        return;
      case 'end':
        queue.end();
    }
  });
}

if (parentPort === null) throw new Error('layer-worker runs in a worker thread only');
serve(parentPort);
