import { readFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { byteString } from '../../lib/byte-string.ts';
import { HyperError } from '../../lib/errors.ts';
import { headerBytes, indexMagic, indexVersion, recordBytes, storedKinds } from './index-format.ts';
import type { LayerEntry } from './layer-entry.ts';
import type { Xattr } from '../../lib/tar/tar-entry.ts';

/** A layer's index, loaded. */
export class LayerIndex {
  /** Size of the layer's data blob; a multiple of 4096. */
  readonly dataBytes: number;
  readonly #file: Buffer;

  /** @throws HyperError `corrupt` when the file is damaged or of another version: the layer must be converted anew. */
  static async read(path: string): Promise<LayerIndex> {
    return new LayerIndex(await readFile(path), path);
  }

  private constructor(file: Buffer, path: string) {
    const sound =
      file.length >= headerBytes &&
      file.subarray(0, indexMagic.length).equals(indexMagic) &&
      file.readUInt32LE(8) === indexVersion &&
      file.readUInt32LE(12) === crc32(file.subarray(headerBytes));
    if (!sound) {
      throw new HyperError('corrupt', `the layer index ${path} is damaged or of another version: pull the image again`);
    }
    this.#file = file;
    this.dataBytes = file.readDoubleLE(24);
  }

  /** The entries in the order of the tar; they keep nothing of the index in memory. */
  *entries(): Generator<LayerEntry, void, undefined> {
    for (let at = headerBytes; at < this.#file.length; at += this.#file.readUInt32LE(at)) {
      yield decode(this.#file.subarray(at, at + this.#file.readUInt32LE(at)));
    }
  }
}

function decode(record: Buffer): LayerEntry {
  const pathEnd = recordBytes + record.readUInt16LE(28);
  const linkEnd = pathEnd + record.readUInt16LE(30);
  return {
    kind: storedKinds[record.readUInt8(4)] ?? 'file',
    path: byteString(record.subarray(recordBytes, pathEnd)),
    link: byteString(record.subarray(pathEnd, linkEnd)),
    mode: record.readUInt16LE(6),
    uid: record.readUInt32LE(8),
    gid: record.readUInt32LE(12),
    mtimeSeconds: record.readDoubleLE(16),
    mtimeNanoseconds: record.readUInt32LE(24),
    size: record.readDoubleLE(32),
    dataOffset: record.readDoubleLE(40),
    major: record.readUInt32LE(48),
    minor: record.readUInt32LE(52),
    xattrs: decodeXattrs(record, linkEnd, record.readUInt16LE(56)),
  };
}

function decodeXattrs(record: Buffer, start: number, count: number): readonly Xattr[] {
  const xattrs: Xattr[] = [];
  let at = start;
  for (let left = count; left > 0; left--) {
    const nameEnd = at + 4 + record.readUInt16LE(at);
    const valueEnd = nameEnd + record.readUInt16LE(at + 2);
    xattrs.push({
      name: byteString(record.subarray(at + 4, nameEnd)),
      value: Buffer.from(record.subarray(nameEnd, valueEnd)),
    });
    at = valueEnd;
  }
  return xattrs;
}
