/** A worker thread's entry: reads one file of YAML. The other end is read-yaml.ts. */
import { parentPort, type MessagePort } from 'node:worker_threads';
import { toPortable } from '../../lib/worker-thread.ts';
import { parseYaml } from './yaml-document.ts';
import type { FromYamlWorker, ToYamlWorker } from './yaml-messages.ts';

function serve(port: MessagePort): void {
  port.once('message', ({ text, version }: ToYamlWorker) => {
    let answer: FromYamlWorker;
    try {
      answer = { documents: parseYaml(text, version) };
    } catch (error) {
      answer = { error: toPortable(error) };
    }
    port.postMessage(answer);
    port.close();
  });
}

if (parentPort === null) throw new Error('yaml-worker runs in a worker thread only');
serve(parentPort);
