import { HyperError } from '../../lib/errors.ts';
import { crashError, fromPortable, WorkerThread, workerEntry } from '../../lib/worker-thread.ts';
import { parseYaml, type YamlVersion } from './yaml-document.ts';
import type { FromYamlWorker, ToYamlWorker } from './yaml-messages.ts';

/** Longer ones take more time than hyperd's event loop has: 1 MiB of short lines takes seconds. */
const shortLetters = 8192;
const patienceMs = 30_000;

/** As parseYaml; a long text is read in a worker thread. @throws HyperError */
export async function readYaml(text: string, version: YamlVersion, signal: AbortSignal): Promise<readonly unknown[]> {
  if (text.length <= shortLetters) return parseYaml(text, version);
  const outcome = Promise.withResolvers<readonly unknown[]>();
  outcome.promise.catch(() => undefined); // heard below, unless nothing could be asked
  const worker = new WorkerThread<ToYamlWorker, FromYamlWorker>(
    workerEntry(import.meta.url, 'yaml-worker'),
    (message) => {
      if ('documents' in message) outcome.resolve(message.documents);
      else outcome.reject(fromPortable(message.error));
    },
    (crash) => outcome.reject(crashError('reads YAML', crash)),
  );
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
  const onAbort = (): void =>
    outcome.reject(
      signal.aborted
        ? new HyperError('cancelled', 'the reading of a pod file was cancelled')
        : new HyperError('timeout', `the file takes more than ${patienceMs / 1000} s to read: make it shorter`),
    );
  bounded.addEventListener('abort', onAbort, { once: true });
  try {
    worker.post({ text, version });
    return await outcome.promise;
  } finally {
    bounded.removeEventListener('abort', onAbort);
    await worker.stop();
  }
}
