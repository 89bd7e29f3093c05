/**
 * What is uploaded with a request. Its iterator has no `return`, which would destroy the request: whoever takes a part only,
 * or fails, still has an answer to send.
 */
export class Upload implements AsyncIterable<Uint8Array> {
  readonly #chunks: AsyncIterator<Uint8Array>;

  constructor(request: AsyncIterable<Uint8Array>) {
    this.#chunks = request[Symbol.asyncIterator]();
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return { next: () => this.#chunks.next() };
  }

  /** Reads what is left. A sender that is cut off, be it of a last empty piece, does not read the answer. */
  async drop(): Promise<void> {
    try {
      for (let next = await this.#chunks.next(); next.done !== true; next = await this.#chunks.next());
    } catch {
      // it has gone, and hears nothing any more
    }
  }
}
