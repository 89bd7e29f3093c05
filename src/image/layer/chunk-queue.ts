/** Chunks that arrive by messages, read as a stream. `onTaken` tells the sender that there is room again. */
export class ChunkQueue implements AsyncIterable<Uint8Array> {
  readonly #onTaken: (bytes: number) => void;
  readonly #chunks: Uint8Array[] = [];
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(onTaken: (bytes: number) => void) {
    this.#onTaken = onTaken;
  }

  push(chunks: readonly Uint8Array[]): void {
    this.#chunks.push(...chunks);
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Takes all that is there as one chunk: fewer and larger pieces are what zlib is fast with. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const taken = this.#chunks.splice(0);
      if (taken.length > 0) {
        const bytes = taken.reduce((sum, chunk) => sum + chunk.length, 0);
        const [first] = taken;
        yield taken.length === 1 && first !== undefined ? first : Buffer.concat(taken);
        this.#onTaken(bytes);
      } else if (this.#ended) {
        return;
      } else {
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    }
  }
}
