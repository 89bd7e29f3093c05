import { byteString, sliceBytes, quoteBytes, type ByteString } from '../byte-string.ts';
import { damaged } from './damaged.ts';
import type { Xattr } from './tar-entry.ts';

const schily = 'SCHILY.xattr.';
const libarchive = 'LIBARCHIVE.xattr.';

/** Linux's limits (`linux/limits.h`), and what one EROFS inode holds inline. */
const nameLimit = 255;
const valueLimit = 65_535;
const totalLimit = 250 << 10;

/**
 * The extended attributes among PAX values: star's (binary, what Docker and GNU tar write) and libarchive's (name URL-encoded,
 * value base64), of which star's wins. `trusted.overlay.*` is dropped: it would speak to the overlay that the guest mounts.
 */
export function paxXattrs(values: ReadonlyMap<string, Buffer>): Xattr[] {
  const found = new Map<ByteString, Buffer>();
  for (const [key, value] of values) {
    if (key.startsWith(libarchive)) {
      const name = urlDecode(key.slice(libarchive.length));
      if (!values.has(schily + name)) found.set(name, Buffer.from(value.toString('latin1'), 'base64'));
    } else if (key.startsWith(schily)) {
      found.set(sliceBytes(byteString(Buffer.from(key, 'latin1')), schily.length), value);
    }
  }
  let total = 0;
  const xattrs: Xattr[] = [];
  for (const [name, value] of found) {
    if (name.startsWith('trusted.overlay.')) continue;
    total += name.length + value.length + 8;
    if (name.length === 0 || name.length > nameLimit || name.includes('\0') || value.length > valueLimit) {
      throw damaged(`bad extended attribute ${quoteBytes(name)} of ${value.length} bytes`);
    }
    if (total > totalLimit) throw damaged(`more than ${totalLimit} bytes of extended attributes in one entry`);
    xattrs.push({ name, value });
  }
  return xattrs;
}

/** libarchive encodes everything but printable ASCII, `%` and `=` as `%XX`. */
function urlDecode(text: string): ByteString {
  const decoded = text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return byteString(Buffer.from(decoded, 'latin1'));
}
