/** A writer of the `newc` cpio format, which the kernel unpacks as its initramfs (Documentation/driver-api/early-userspace/buffer-format.rst). */

export type Entry =
  | { readonly kind: 'folder'; readonly path: string; readonly mode: number }
  | { readonly kind: 'file'; readonly path: string; readonly mode: number; readonly content: Buffer }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  | {
      readonly kind: 'device';
      readonly path: string;
      readonly mode: number;
      readonly major: number;
      readonly minor: number;
    };

const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
const S_IFCHR = 0o020000;
const TRAILER = 'TRAILER!!!';

/**
 * Writes an archive that depends on nothing but its entries: all are root's, from 1970, sorted by path, numbered in that
 * order. Folders that are missing are not made. Paths have no leading slash.
 */
export function writeCpio(entries: readonly Entry[]): Buffer {
  const sorted = entries.toSorted((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
  const parts = sorted.flatMap((entry, index) => record(entry, index + 1));
  parts.push(...encode(0, TRAILER, 0, 1, Buffer.alloc(0), 0, 0));
  return Buffer.concat(parts);
}

function record(entry: Entry, inode: number): Buffer[] {
  const none = Buffer.alloc(0);
  switch (entry.kind) {
    case 'folder':
      return encode(inode, entry.path, S_IFDIR | entry.mode, 2, none, 0, 0);
    case 'file':
      return encode(inode, entry.path, S_IFREG | entry.mode, 1, entry.content, 0, 0);
    case 'link':
      return encode(inode, entry.path, S_IFLNK | 0o777, 1, Buffer.from(entry.target), 0, 0);
    case 'device':
      return encode(inode, entry.path, S_IFCHR | entry.mode, 1, none, entry.major, entry.minor);
  }
}

function encode(
  inode: number,
  path: string,
  mode: number,
  links: number,
  content: Buffer,
  major: number,
  minor: number,
): Buffer[] {
  const name = Buffer.from(`${path}\0`);
  const fields = [inode, mode, 0, 0, links, 0, content.length, 0, 0, major, minor, name.length, 0];
  const header = Buffer.from('070701' + fields.map((field) => field.toString(16).padStart(8, '0')).join(''));
  return [header, name, padding(header.length + name.length), content, padding(content.length)];
}

function padding(length: number): Buffer {
  return Buffer.alloc((4 - (length % 4)) % 4);
}
