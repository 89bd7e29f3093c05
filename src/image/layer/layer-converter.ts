import { isMarkedAsUntransferable } from 'node:worker_threads';
import { HyperError } from '../../lib/errors.ts';
import { WorkerThread, crashError, fromPortable, workerEntry } from '../../lib/worker-thread.ts';
import type { ConvertLayerOptions } from './convert-layer.ts';
import type { ConvertedLayer } from './converted-layer.ts';
import type { FromLayerWorker, ToLayerWorker } from './layer-messages.ts';

export interface LayerConverterOptions extends ConvertLayerOptions {
  /** The worker's entry; by default found beside this module. */
  readonly workerUrl?: URL;
}

/** Chunks are sent together from this many bytes on: a message costs as much as hashing 20 kB. */
const sendBytes = 256 << 10;
/** Bytes on their way to the worker before write() waits. */
const roomBytes = 8 << 20;

/**
 * Converts one layer in a worker thread while it downloads.
 *
 * @example
 * await using converter = new LayerConverter({ outputDir, signal });
 * for await (const chunk of response) await converter.write(chunk);
 * const layer = await converter.finish();
 * if (layer.digest !== descriptor.digest) throw new HyperError('corrupt', …);
 * await commitLayer(outputDir, finalDir);
 */
export class LayerConverter implements AsyncDisposable {
  readonly #worker: WorkerThread<ToLayerWorker, FromLayerWorker>;
  readonly #signal: AbortSignal | undefined;
  readonly #outcome = Promise.withResolvers<ConvertedLayer>();
  readonly #onAbort = (): void => void this.abort();
  #failure: HyperError | undefined;
  #unsent: Uint8Array<ArrayBuffer>[] = [];
  #unsentBytes = 0;
  #outstandingBytes = 0;
  #wake: () => void = () => undefined;

  constructor({ outputDir, maxBytes, signal, workerUrl }: LayerConverterOptions) {
    this.#worker = new WorkerThread<ToLayerWorker, FromLayerWorker>(
      workerUrl ?? workerEntry(import.meta.url, 'layer-worker'),
      (message) => this.#hear(message),
      (crash) => this.#ended(crash),
    );
    // A failure reaches whoever calls write() or finish(); without a caller it is no unhandled rejection.
    this.#outcome.promise.catch(() => undefined);
    this.#worker.post({ type: 'start', outputDir, maxBytes });
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (signal?.aborted === true) this.#onAbort();
  }

  /**
   * Hands over a piece of the layer and resolves when the next is wanted. The bytes are moved to the worker, not copied, where
   * that is possible: do not use `chunk` after.
   *
   * @throws HyperError what went wrong in the worker so far; `cancelled` after abort().
   */
  async write(chunk: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (chunk.length === 0) return;
    const bytes = chunk.length;
    this.#unsent.push(movable(chunk));
    this.#unsentBytes += bytes;
    this.#outstandingBytes += bytes;
    if (this.#unsentBytes >= sendBytes) this.#send();
    while (this.#outstandingBytes >= roomBytes) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#throwFailure();
    }
  }

  /**
   * The layer is complete: waits for the rest of the work.
   *
   * @throws HyperError `corrupt`, `no_space`, `unsupported`, `cancelled`; then the content of `outputDir` is worthless.
   */
  async finish(): Promise<ConvertedLayer> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#send();
    this.#worker.post({ type: 'end' });
    return this.#outcome.promise;
  }

  /** Stops the worker; pending calls fail with `cancelled`. Resolves when nothing writes to `outputDir` any more. */
  async abort(): Promise<void> {
    this.#fail(new HyperError('cancelled', 'the conversion of a layer was cancelled'));
    await this.#worker.stop();
  }

  /** After finish() there is nothing to stop. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.abort();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #send(): void {
    if (this.#unsent.length === 0) return;
    const chunks = this.#unsent;
    this.#unsent = [];
    this.#unsentBytes = 0;
    // Chunks can be parts of one buffer only when they were copied, and a copy has a buffer of its own.
    this.#worker.post(
      { type: 'chunks', chunks },
      chunks.map(({ buffer }) => buffer),
    );
  }

  #hear(message: FromLayerWorker): void {
    switch (message.type) {
      case 'taken':
        this.#outstandingBytes -= message.bytes;
        this.#wake();
        return;
      case 'done':
        this.#outcome.resolve(message.layer);
        return;
      case 'failed':
        this.#fail(fromPortable(message.error));
    }
  }

  #fail(error: HyperError): void {
    this.#failure ??= error;
    this.#outcome.reject(this.#failure);
    this.#wake();
  }

  /** After an outcome this changes nothing. */
  #ended(crash: unknown): void {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#fail(crashError('converts layers', crash));
  }
}

/** The chunk itself when it is all of its buffer and that may be moved (Node's small buffers share a pool), else a copy. */
function movable(chunk: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = chunk;
  const whole =
    buffer instanceof ArrayBuffer && chunk.length === buffer.byteLength && !isMarkedAsUntransferable(buffer);
  return whole ? new Uint8Array(buffer) : new Uint8Array(chunk);
}
