import { byteString, joinBytes, quoteBytes, type ByteString } from '../byte-string.ts';
import { damaged } from './damaged.ts';
import { parseTarNumber } from './tar-number.ts';

export const blockSize = 512;

/** One 512-byte header as it stands, before the extensions that came ahead of it are applied. */
export interface TarHeader {
  /** The type flag: one character. */
  readonly type: string;
  readonly name: ByteString;
  readonly linkName: ByteString;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes that follow, before padding. */
  readonly size: number;
  readonly mtime: number;
  readonly major: number;
  readonly minor: number;
}

/** Reads a header block and checks its sum. Layout: POSIX.1-1988 ustar, GNU tar's `tar.h`. */
export function parseTarHeader(block: Buffer): TarHeader {
  checkSum(block);
  const name = text(block, 0, 100);
  const prefix = text(block, 345, prefixLength(block));
  const type = block.toString('latin1', 156, 157);
  const device = type === '3' || type === '4';
  return {
    type,
    name: prefix === '' ? name : joinBytes([prefix, name], '/'),
    linkName: text(block, 157, 100),
    mode: parseTarNumber(block.subarray(100, 108), 'a mode') & 0o7777,
    uid: parseId(block.subarray(108, 116), name),
    gid: parseId(block.subarray(116, 124), name),
    size: parseSize(block.subarray(124, 136), name),
    mtime: parseTarNumber(block.subarray(136, 148), 'a time'),
    major: device ? parseDevice(block.subarray(329, 337), name) : 0,
    minor: device ? parseDevice(block.subarray(337, 345), name) : 0,
  };
}

/** Whether a block is all zeros: two of them end an archive. */
export function isZeroBlock(block: Buffer): boolean {
  return block.every((byte) => byte === 0);
}

/** An id must fit the 32 bits that file systems have for it. */
export function checkId(id: number, name: ByteString): number {
  if (id < 0 || id > 0xffff_ffff) throw damaged(`owner ${id} of ${quoteBytes(name)} is out of range`);
  return id;
}

function parseId(field: Buffer, name: ByteString): number {
  return checkId(parseTarNumber(field, 'an owner'), name);
}

/** Some archivers leave junk here in what is no device: it is looked at for devices only. */
function parseDevice(field: Buffer, name: ByteString): number {
  const number = parseTarNumber(field, 'a device number');
  if (number < 0 || number > 0xffff_ffff) throw damaged(`bad device number of ${quoteBytes(name)}`);
  return number;
}

function parseSize(field: Buffer, name: ByteString): number {
  const size = parseTarNumber(field, 'a size');
  if (size < 0) throw damaged(`negative size of ${quoteBytes(name)}`);
  return size;
}

/** GNU's header has times and sparse maps where ustar has the prefix; star's has a shorter prefix and then times. */
function prefixLength(block: Buffer): number {
  if (block.toString('latin1', 257, 263) !== 'ustar\0') return 0;
  return block.toString('latin1', 508, 512) === 'tar\0' ? 131 : 155;
}

function text(block: Buffer, start: number, length: number): ByteString {
  const field = block.subarray(start, start + length);
  const end = field.indexOf(0);
  return byteString(end === -1 ? field : field.subarray(0, end));
}

/** The sum counts its own field as blanks; some old writers summed signed bytes. */
function checkSum(block: Buffer): void {
  const expected = parseTarNumber(block.subarray(148, 156), 'a checksum');
  let unsigned = 0;
  let signed = 0;
  for (let at = 0; at < blockSize; at++) {
    const counted = at >= 148 && at < 156 ? 0x20 : (block[at] ?? 0);
    unsigned += counted;
    signed += counted > 127 ? counted - 256 : counted;
  }
  if (expected !== unsigned && expected !== signed) throw damaged('a header does not match its checksum');
}
