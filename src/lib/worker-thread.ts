import { Worker, type Transferable } from 'node:worker_threads';
import { HyperError, asHyperError, messageOf, systemCode, type ErrorCode } from './errors.ts';

/** A HyperError between threads: a structured clone would lose its class and code. */
export interface PortableError {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Anything thrown, to be sent to another thread. */
export function toPortable(error: unknown): PortableError {
  const { code, message } = asHyperError(error);
  return { code, message };
}

/** Back to an error. */
export function fromPortable({ code, message }: PortableError): HyperError {
  return new HyperError(code, message);
}

/** Why a worker ended that gave no result. `what` says what it was to do: `converts layers`. */
export function crashError(what: string, crash: unknown): HyperError {
  if (systemCode(crash) === 'ERR_WORKER_OUT_OF_MEMORY') {
    return new HyperError('no_memory', `the worker that ${what} ran out of memory: the image has too many files`);
  }
  const reason = crash === undefined ? 'it ended without a result' : messageOf(crash);
  return new HyperError('internal', `the worker that ${what} failed: ${reason}`, { cause: crash });
}

/** The entry of a worker: beside the module while sources run, beside the bundle (`dist/NAME.js`) else. */
export function workerEntry(moduleUrl: string, name: string): URL {
  return new URL(moduleUrl.endsWith('.ts') ? `./${name}.ts` : `./${name}.js`, moduleUrl);
}

/**
 * A worker thread that takes messages of one type and answers with another. `onMessage` gets its answers; `onEnd` is called once
 * when it is gone, with the reason unless it went by itself or was stopped.
 */
export class WorkerThread<Incoming, Outgoing> {
  readonly #worker: Worker;
  #crash: unknown;

  constructor(entry: URL, onMessage: (message: Outgoing) => void, onEnd: (crash: unknown) => void) {
    this.#worker = new Worker(entry);
    this.#worker.on('message', onMessage);
    this.#worker.on('error', (error) => (this.#crash = error));
    this.#worker.on('exit', () => {
      onEnd(this.#crash);
    });
  }

  post(message: Incoming, transfer: readonly Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  /** Resolves when nothing of it runs any more. */
  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}
