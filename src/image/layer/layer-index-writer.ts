import { closeSync, openSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { asHyperError } from '../../lib/errors.ts';
import { headerBytes, indexMagic, indexVersion, recordBytes, storedKinds } from './index-format.ts';
import type { LayerEntry } from './layer-entry.ts';

const batchBytes = 1 << 20;

/** Writes a layer's index in batches. Synchronous: for worker threads. */
export class LayerIndexWriter implements Disposable {
  readonly #fd: number;
  #batch = Buffer.allocUnsafeSlow(batchBytes);
  #used = 0;
  #position = headerBytes;
  #crc = 0;
  #entries = 0;
  #open = true;

  constructor(path: string) {
    this.#fd = openSync(path, 'w', 0o644);
  }

  get entries(): number {
    return this.#entries;
  }

  add(entry: LayerEntry): void {
    const xattrBytes = entry.xattrs.reduce((sum, { name, value }) => sum + 4 + name.length + value.length, 0);
    const length = recordBytes + entry.path.length + entry.link.length + xattrBytes;
    if (length > batchBytes - this.#used) this.#flush();
    this.#encode(entry, this.#batch.subarray(this.#used, this.#used + length));
    this.#used += length;
    this.#entries++;
  }

  /** Writes what is left and the header, and closes. Without it the file is no index. */
  finish(dataBytes: number): void {
    this.#flush();
    const header = Buffer.alloc(headerBytes);
    indexMagic.copy(header);
    header.writeUInt32LE(indexVersion, 8);
    header.writeUInt32LE(this.#crc, 12);
    header.writeUInt32LE(this.#entries, 16);
    header.writeDoubleLE(dataBytes, 24);
    this.#write(header, 0);
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    if (this.#open) closeSync(this.#fd);
    this.#open = false;
  }

  #encode(entry: LayerEntry, record: Buffer): void {
    record.writeUInt32LE(record.length, 0);
    record.writeUInt16LE(storedKinds.indexOf(entry.kind), 4);
    record.writeUInt16LE(entry.mode, 6);
    record.writeUInt32LE(entry.uid, 8);
    record.writeUInt32LE(entry.gid, 12);
    record.writeDoubleLE(entry.mtimeSeconds, 16);
    record.writeUInt32LE(entry.mtimeNanoseconds, 24);
    record.writeUInt16LE(entry.path.length, 28);
    record.writeUInt16LE(entry.link.length, 30);
    record.writeDoubleLE(entry.size, 32);
    record.writeDoubleLE(entry.dataOffset, 40);
    record.writeUInt32LE(entry.major, 48);
    record.writeUInt32LE(entry.minor, 52);
    record.writeUInt16LE(entry.xattrs.length, 56);
    record.writeUInt16LE(0, 58);
    let at = recordBytes;
    at += record.write(entry.path, at, 'latin1');
    at += record.write(entry.link, at, 'latin1');
    for (const { name, value } of entry.xattrs) {
      at = record.writeUInt16LE(name.length, at);
      at = record.writeUInt16LE(value.length, at);
      at += record.write(name, at, 'latin1');
      at += value.copy(record, at);
    }
  }

  #flush(): void {
    const part = this.#batch.subarray(0, this.#used);
    this.#crc = crc32(part, this.#crc);
    this.#write(part, this.#position);
    this.#position += part.length;
    this.#used = 0;
  }

  #write(bytes: Buffer, position: number): void {
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(this.#fd, bytes, at, bytes.length - at, position + at);
    } catch (error) {
      throw asHyperError(error);
    }
  }
}
