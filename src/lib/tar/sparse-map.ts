import { damaged } from './damaged.ts';
import { blockSize } from './tar-header.ts';
import { take, type Demands } from './byte-feed.ts';
import type { PaxRecord } from './pax-records.ts';
import { parseDecimal, parseTarNumber } from './tar-number.ts';

/** A piece of a sparse file that is stored; what lies between pieces is zeros. */
export interface SparsePiece {
  readonly offset: number;
  readonly bytes: number;
}

export interface SparseMap {
  readonly pieces: readonly SparsePiece[];
  /** The file's size, holes included. */
  readonly size: number;
  /** Bytes of the entry's body that the map itself took (format 1.0). */
  readonly mapBytes: number;
}

/** The map of an old GNU header (type `S`): four pieces in the header, more in the blocks that follow it. */
export function* readOldSparseMap(header: Buffer, limit: number): Demands<SparseMap> {
  const size = parseTarNumber(header.subarray(483, 495), 'the size of a sparse file');
  const pieces = parsePieces(header, 386, 4);
  let more = header[482] !== 0;
  while (more) {
    const block = yield* take(blockSize);
    pieces.push(...parsePieces(block, 0, 21));
    if (pieces.length > limit) throw damaged('a sparse file has too many pieces');
    more = block[504] !== 0;
  }
  return { pieces, size, mapBytes: 0 };
}

function parsePieces(block: Buffer, start: number, count: number): SparsePiece[] {
  const pieces: SparsePiece[] = [];
  for (let at = start; at < start + count * 24; at += 24) {
    if (block[at] === 0) break;
    pieces.push({
      offset: parseTarNumber(block.subarray(at, at + 12), 'a sparse map'),
      bytes: parseTarNumber(block.subarray(at + 12, at + 24), 'a sparse map'),
    });
  }
  return pieces;
}

/** The map that stands in PAX records: formats 0.0 (a record a number) and 0.1 (one list). Undefined when there is none. */
export function paxSparseMap(
  records: readonly PaxRecord[],
  values: ReadonlyMap<string, Buffer>,
  limit: number,
): SparseMap | undefined {
  const size = values.get('GNU.sparse.size');
  if (size === undefined) return undefined;
  const list = values.get('GNU.sparse.map')?.toString('latin1');
  const numbers =
    list === undefined
      ? records
          .filter(({ key }) => key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes')
          .map(({ value }) => value.toString('latin1'))
      : list.split(',').filter((number) => number !== '');
  return { pieces: pairUp(numbers, limit), size: parseDecimal(size.toString('latin1'), 'a size'), mapBytes: 0 };
}

/** The map at the start of the body (format 1.0): decimal lines, the first their number of pairs, padded to a block. */
export function* readSparseMap(realSize: Buffer, limit: number): Demands<SparseMap> {
  const numbers: string[] = [];
  let wanted = 1;
  let rest = '';
  let mapBytes = 0;
  while (numbers.length < wanted) {
    rest += (yield* take(blockSize)).toString('latin1');
    mapBytes += blockSize;
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > blockSize && lines.length === 0) throw damaged('a sparse map is malformed');
    for (const line of lines) {
      if (numbers.length === wanted) break;
      numbers.push(line);
      if (numbers.length === 1) wanted = 1 + 2 * parseDecimal(line, 'a sparse map');
    }
    if (wanted > 1 + 2 * limit) throw damaged('a sparse file has too many pieces');
  }
  const size = parseDecimal(realSize.toString('latin1'), 'a size');
  return { pieces: pairUp(numbers.slice(1), limit), size, mapBytes };
}

function pairUp(numbers: readonly string[], limit: number): SparsePiece[] {
  if (numbers.length % 2 !== 0 || numbers.length > 2 * limit) throw damaged('a sparse map is malformed');
  const pieces: SparsePiece[] = [];
  for (let at = 0; at < numbers.length; at += 2) {
    pieces.push({
      offset: parseDecimal(numbers[at] ?? '', 'a sparse map'),
      bytes: parseDecimal(numbers[at + 1] ?? '', 'a sparse map'),
    });
  }
  return pieces;
}

/** Refuses pieces that overlap, run backwards, leave the file or do not add up to what is stored. */
export function checkSparseMap(map: SparseMap, stored: number): void {
  let end = 0;
  let sum = 0;
  for (const { offset, bytes } of map.pieces) {
    if (offset < end || bytes < 0 || offset + bytes > map.size) throw damaged('a sparse map makes no sense');
    end = offset + bytes;
    sum += bytes;
  }
  if (map.size < 0 || sum !== stored) throw damaged('a sparse map does not match its data');
}
