import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { asHyperError, HyperError, messageOf, systemCode } from '../../lib/errors.ts';
import { decompressorFor } from '../layer/decompress.ts';

const magicBytes = 4;

async function* chain(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  if (head.length > 0) yield head;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

/**
 * An archive's bytes, unpacked when they are compressed with gzip or zstd.
 *
 * @throws HyperError `corrupt` when the compression is broken; what the source throws
 */
export async function* decompressed(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  const input = source[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  try {
    while (head.length < magicBytes) {
      const next = await input.next();
      if (next.done === true) break;
      head = Buffer.concat([head, next.value]);
    }
    const output = decompressorFor(head);
    const piped = pipeline(Readable.from(chain(head, input), { objectMode: false }), output);
    // Its failure comes out of the loop as well; without a handler here it would end the process.
    piped.catch(() => undefined);
    try {
      for await (const chunk of output) {
        if (!Buffer.isBuffer(chunk)) throw new TypeError('a decompressor gives buffers');
        yield chunk;
      }
      await piped;
    } finally {
      output.destroy();
      await piped.catch(() => undefined);
    }
  } catch (error) {
    const code = systemCode(error) ?? '';
    if (code.startsWith('Z_') || code.startsWith('ZSTD_') || code.startsWith('ERR__')) {
      throw new HyperError('corrupt', `the archive is broken: ${messageOf(error)}`, { cause: error });
    }
    throw asHyperError(error);
  } finally {
    await input.return?.();
  }
}
