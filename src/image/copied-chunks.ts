/** The same bytes in memory of their own: what is handed to a worker thread is lost to whoever gave it. */
export async function* copiedChunks(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of source) yield Uint8Array.from(chunk);
}
