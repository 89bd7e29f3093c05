import { byteString, type ByteString } from '../byte-string.ts';
import { ByteFeed, take, type Demands } from './byte-feed.ts';
import { damaged } from './damaged.ts';
import { parsePaxRecords, type PaxRecord } from './pax-records.ts';
import { checkSparseMap, type SparseMap } from './sparse-map.ts';
import { describeTarEntry, type TarExtensions } from './tar-extensions.ts';
import type { TarLimits, TarSink } from './tar-entry.ts';
import { blockSize, isZeroBlock, parseTarHeader } from './tar-header.ts';

/**
 * A tar reader that gets its bytes pushed and keeps no more of them than one extension header. Knows ustar, PAX, GNU and star
 * archives with their long names, big numbers and sparse files; names, links and xattrs stay bytes throughout (every
 * JavaScript tar library decodes them as UTF-8, which damages `security.capability`).
 */
export class TarReader extends ByteFeed {
  constructor(sink: TarSink, limits: TarLimits) {
    super(readTar(sink, limits));
  }
}

function* readTar(sink: TarSink, limits: TarLimits): Demands {
  const globals = new Map<string, PaxRecord>();
  let extensions: TarExtensions = {};
  for (let entries = 0; ;) {
    const block = yield { take: blockSize, orEnd: true };
    if (block === undefined || isZeroBlock(block)) {
      if (Object.keys(extensions).length > 0) throw damaged('it ends after an extension header');
      if (block !== undefined) yield* expectSecondZeroBlock();
      return;
    }
    const header = parseTarHeader(block);
    switch (header.type) {
      case 'x':
      case 'X':
        extensions = { ...extensions, pax: parsePaxRecords(yield* takeBody(header.size, limits)) };
        break;
      case 'g':
        for (const record of parsePaxRecords(yield* takeBody(header.size, limits))) globals.set(record.key, record);
        break;
      case 'L':
        extensions = { ...extensions, longName: upToNul(yield* takeBody(header.size, limits)) };
        break;
      case 'K':
        extensions = { ...extensions, longLink: upToNul(yield* takeBody(header.size, limits)) };
        break;
      case 'V': // a volume's label
        yield* skip(padded(header.size));
        break;
      default: {
        if (++entries > limits.entries) throw damaged(`more than ${limits.entries} entries`);
        const body = yield* describeTarEntry(block, header, { ...extensions, globals: [...globals.values()] }, limits);
        extensions = {};
        sink.entry(body.entry);
        if (body.sparse === undefined) yield { pass: body.stored, to: (bytes) => sink.data(bytes) };
        else yield* passSparse(body.sparse, body.stored, sink);
        yield* skip(padded(body.stored) - body.stored + body.ignored);
      }
    }
  }
}

function* expectSecondZeroBlock(): Demands {
  const second = yield { take: blockSize, orEnd: true };
  if (second !== undefined && !isZeroBlock(second)) throw damaged('a block of zeros in the middle');
}

function* takeBody(bytes: number, limits: TarLimits): Demands<Buffer> {
  if (bytes > limits.extensionBytes) throw damaged(`an extension header of ${bytes} bytes`);
  const body = yield* take(padded(bytes));
  return body.subarray(0, bytes);
}

function* passSparse(map: SparseMap, stored: number, sink: TarSink): Demands {
  checkSparseMap(map, stored);
  let at = 0;
  for (const { offset, bytes } of map.pieces) {
    if (offset > at) sink.hole(offset - at);
    yield { pass: bytes, to: (data) => sink.data(data) };
    at = offset + bytes;
  }
  if (map.size > at) sink.hole(map.size - at);
}

function* skip(bytes: number): Demands {
  yield { pass: bytes, to: () => undefined };
}

function padded(bytes: number): number {
  return Math.ceil(bytes / blockSize) * blockSize;
}

function upToNul(body: Buffer): ByteString {
  const end = body.indexOf(0);
  return byteString(end === -1 ? body : body.subarray(0, end));
}
