import { bytesOf, sliceBytes, type ByteString } from '../../lib/byte-string.ts';
import type { InodeKind, Xattr } from '../layer/index.ts';

/** A name is stored as the number of a prefix and the rest. The ACLs' whole names are prefixes. */
const prefixes: readonly (readonly [string, number, 'whole' | 'prefix'])[] = [
  ['user.', 1, 'prefix'],
  ['system.posix_acl_access', 2, 'whole'],
  ['system.posix_acl_default', 3, 'whole'],
  ['trusted.', 4, 'prefix'],
  ['security.', 6, 'prefix'],
];

const headerBytes = 12;
/** The inode's 16-bit count is in units of 4 bytes, the header counted as one. */
const limit = headerBytes + 4 * 0xfffe;

/**
 * The extended attributes behind an inode, empty when it has none. Left out is what cannot be: names that Linux' EROFS has no
 * prefix for (`system.nfs4_acl`), and what Linux keeps from that kind of inode (xattr(7)): it would list it and then not
 * read it, at which overlayfs gives up copying the file.
 */
export function encodeXattrs(kind: InodeKind, xattrs: readonly Xattr[]): Buffer {
  if (xattrs.length === 0) return Buffer.alloc(0);
  const parts: Buffer[] = [Buffer.alloc(headerBytes)];
  for (const { name, value } of xattrs) {
    const short = shorten(name);
    if (short !== undefined && mayHave(kind, name)) parts.push(encodeXattr(short.prefix, bytesOf(short.rest), value));
  }
  if (parts.length === 1) return Buffer.alloc(0);
  const encoded = Buffer.concat(parts);
  if (encoded.length > limit) throw new RangeError(`${encoded.length} bytes of extended attributes`);
  return encoded;
}

/** The inode's field for attributes of this encoded size. */
export function xattrCount(encodedBytes: number): number {
  return encodedBytes === 0 ? 0 : (encodedBytes - headerBytes) / 4 + 1;
}

function mayHave(kind: InodeKind, name: ByteString): boolean {
  if (name.startsWith('user.')) return kind === 'file' || kind === 'folder';
  if (name === 'system.posix_acl_default') return kind === 'folder';
  return kind !== 'symlink' || !name.startsWith('system.');
}

function shorten(name: ByteString): { prefix: number; rest: ByteString } | undefined {
  for (const [text, prefix, kind] of prefixes) {
    const fits = kind === 'whole' ? name === text : name.startsWith(text) && name.length > text.length;
    if (fits) return { prefix, rest: sliceBytes(name, text.length) };
  }
  return undefined;
}

function encodeXattr(prefix: number, name: Buffer, value: Buffer): Buffer {
  const length = 4 + name.length + value.length;
  const encoded = Buffer.alloc(Math.ceil(length / 4) * 4);
  encoded.writeUInt8(name.length, 0);
  encoded.writeUInt8(prefix, 1);
  encoded.writeUInt16LE(value.length, 2);
  name.copy(encoded, 4);
  value.copy(encoded, 4 + name.length);
  return encoded;
}
