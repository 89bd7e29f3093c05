import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { asHyperError } from './errors.ts';

const capacity = 2 << 20;
/** Zeros are left out in pieces of this size: smaller ones would cost more in writes than they save in blocks. */
const piece = 64 << 10;
const zeros = Buffer.alloc(piece);

/**
 * Writes a new file from start to end in large batches and leaves long runs of zeros as holes.
 * Synchronous: for worker threads.
 */
export class SparseFileWriter implements Disposable {
  readonly #fd: number;
  readonly #batch = Buffer.allocUnsafeSlow(capacity);
  #batchStart = 0;
  #used = 0;
  #open = true;

  constructor(path: string) {
    this.#fd = openSync(path, 'w', 0o644);
  }

  /** Bytes so far, holes included. */
  get position(): number {
    return this.#batchStart + this.#used;
  }

  /** Appends a copy of `bytes`. */
  write(bytes: Uint8Array): void {
    let done = 0;
    while (done < bytes.length) {
      const part = Math.min(bytes.length - done, capacity - this.#used);
      this.#batch.set(done === 0 && part === bytes.length ? bytes : bytes.subarray(done, done + part), this.#used);
      this.#used += part;
      done += part;
      if (this.#used === capacity) this.#flush();
    }
  }

  /** Appends zeros, as a hole where that is worth it. */
  skip(bytes: number): void {
    if (bytes <= capacity - this.#used) {
      this.#batch.fill(0, this.#used, this.#used + bytes);
      this.#used += bytes;
      return;
    }
    this.#flush();
    this.#batchStart += bytes;
  }

  /** Appends zeros up to the next multiple of `size`. */
  align(size: number): void {
    const over = this.position % size;
    if (over !== 0) this.skip(size - over);
  }

  /** Writes what is left and closes. A disposed but unfinished file is only closed. */
  finish(): void {
    this.#flush();
    ftruncateSync(this.#fd, this.position);
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    if (this.#open) closeSync(this.#fd);
    this.#open = false;
  }

  #flush(): void {
    let start = 0;
    for (let at = 0; at < this.#used; at += piece) {
      const end = Math.min(at + piece, this.#used);
      if (this.#batch.compare(zeros, 0, end - at, at, end) !== 0) continue;
      this.#writeOut(start, at);
      start = end;
    }
    this.#writeOut(start, this.#used);
    this.#batchStart += this.#used;
    this.#used = 0;
  }

  #writeOut(start: number, end: number): void {
    try {
      for (let at = start; at < end;) {
        at += writeSync(this.#fd, this.#batch, at, end - at, this.#batchStart + at);
      }
    } catch (error) {
      throw asHyperError(error);
    }
  }
}
