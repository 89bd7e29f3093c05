import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { type ByteString, byteString, bytesOf, joinBytes } from '../../lib/byte-string.ts';
import { encodeTarEntry, tarEnd, tarPadding } from '../../lib/tar/tar-writer.ts';
import type { TarKind } from '../../lib/tar/tar-entry.ts';

const chunkBytes = 1 << 20;

/** A tar of a path of this machine, called `as` in it, piece by piece. Sockets are left out, as docker does. */
export function* packLocal(path: string, as: string): Generator<Buffer> {
  yield* packEntry(byteString(path), byteString(as), new Map());
  yield tarEnd;
}

/** By the identity of a file with several names, its first one. */
type Links = Map<string, ByteString>;

function* packEntry(path: ByteString, name: ByteString, links: Links): Generator<Buffer> {
  const stats = lstatSync(bytesOf(path));
  const identity = `${stats.dev}:${stats.ino}`;
  const first = stats.nlink > 1 && !stats.isDirectory() ? links.get(identity) : undefined;
  if (first !== undefined) {
    yield head(stats, 'hardlink', name, { linkName: first });
    return;
  }
  if (stats.nlink > 1 && !stats.isDirectory()) links.set(identity, name);
  if (stats.isDirectory()) yield* packFolder(path, name, stats, links);
  else if (stats.isFile()) yield* packFile(path, name);
  else if (stats.isSymbolicLink()) {
    yield head(stats, 'symlink', name, { linkName: byteString(readlinkSync(bytesOf(path), 'buffer')) });
  } else if (stats.isFIFO()) yield head(stats, 'fifo', name);
  else if (stats.isCharacterDevice()) yield head(stats, 'character', name, device(stats.rdev));
  else if (stats.isBlockDevice()) yield head(stats, 'block', name, device(stats.rdev));
}

function* packFolder(path: ByteString, name: ByteString, stats: Stats, links: Links): Generator<Buffer> {
  yield head(stats, 'folder', joinBytes([name, byteString('/')]));
  for (const each of readdirSync(bytesOf(path), 'buffer').map(byteString).sort()) {
    yield* packEntry(joinBytes([path, each], '/'), joinBytes([name, each], '/'), links);
  }
}

/** One that grows meanwhile has the size that it had; one that shrinks, zeros at its end. */
function* packFile(path: ByteString, name: ByteString): Generator<Buffer> {
  const file = openSync(bytesOf(path), constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const stats = fstatSync(file);
    yield head(stats, 'file', name, { size: stats.size });
    for (let left = stats.size; left > 0;) {
      const chunk = Buffer.alloc(Math.min(left, chunkBytes));
      const read = readSync(file, chunk, 0, chunk.length, null);
      const part = read === 0 ? chunk : chunk.subarray(0, read);
      yield part;
      left -= part.length;
    }
    yield tarPadding(stats.size);
  } finally {
    closeSync(file);
  }
}

function head(
  { mode, uid, gid, mtimeMs }: Stats,
  kind: TarKind,
  name: ByteString,
  more: { linkName?: ByteString; size?: number; major?: number; minor?: number } = {},
): Buffer {
  const none = { linkName: byteString(''), size: 0, major: 0, minor: 0 };
  return encodeTarEntry({
    ...{ kind, name, mode: mode & 0o7777, uid, gid, mtimeSeconds: Math.floor(mtimeMs / 1000), ...none, ...more },
  });
}

/** Linux' numbers of a device in one (glibc, gnu_dev_major). */
function device(rdev: number): { readonly major: number; readonly minor: number } {
  const number = BigInt(rdev);
  const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & ~0xfffn);
  const minor = (number & 0xffn) | ((number >> 12n) & ~0xffn);
  return { major: Number(major), minor: Number(minor & 0xffff_ffffn) };
}
