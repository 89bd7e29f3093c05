import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { byteString } from '../byte-string.ts';
import { defaultTarLimits, type TarEntry } from './tar-entry.ts';
import { TarReader } from './tar-reader.ts';
import { encodeTarEntry, tarEnd, tarPadding } from './tar-writer.ts';

describe('the tar writer', () => {
  const plain: TarEntry = {
    ...{ kind: 'file', name: byteString('file'), linkName: byteString(''), mode: 0o4755, uid: 1, gid: 2, size: 0 },
    ...{ mtimeSeconds: 1_234_567_890, mtimeNanoseconds: 0, major: 0, minor: 0, xattrs: [] },
  };
  const entries: readonly TarEntry[] = [
    { ...plain, size: 700 },
    { ...plain, kind: 'folder', name: byteString('folder/') },
    { ...plain, kind: 'symlink', linkName: byteString('x'.repeat(3000)) },
    { ...plain, kind: 'hardlink', name: byteString('é'.repeat(80)), linkName: byteString('file') },
    { ...plain, uid: 3_000_000_000, gid: 4_000_000_000, mtimeSeconds: -7 },
    ...[88, 89, 90, 91, 92, 93, 94, 99, 100, 101, 988, 989, 990].map((length) => ({
      ...plain,
      name: byteString('n'.repeat(length)),
    })),
  ];

  it('writes what the reader reads', () => {
    const read: TarEntry[] = [];
    let bytes = 0;
    const sink = {
      entry: (entry: TarEntry) => void read.push(entry),
      data: (data: Buffer) => void (bytes += data.length),
      hole: () => undefined,
    };
    const reader = new TarReader(sink, defaultTarLimits);
    for (const entry of entries) {
      reader.push(encodeTarEntry(entry));
      reader.push(Buffer.concat([Buffer.alloc(entry.size, 1), tarPadding(entry.size)]));
    }
    reader.push(tarEnd);
    reader.end();
    assert.deepEqual(read, entries);
    assert.equal(bytes, 700);
  });
});
