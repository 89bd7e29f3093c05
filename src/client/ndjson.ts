import { StringDecoder } from 'node:string_decoder';

/** No line of ours comes near; a peer that sends no newline must not fill the memory. */
const maxLineLength = 16 * 1024 * 1024;

/** The values of newline-delimited JSON, each as soon as its line has ended. */
export async function* parseNdjson(chunks: AsyncIterable<Buffer>): AsyncGenerator<unknown, void, undefined> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of chunks) {
    rest += decoder.write(chunk);
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > maxLineLength) throw new Error('a line of the answer is longer than 16 MiB');
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line);
  }
  if (rest.trim() !== '') yield JSON.parse(rest);
}
