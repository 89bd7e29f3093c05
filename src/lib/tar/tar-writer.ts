import { type ByteString, bytesOf } from '../byte-string.ts';
import type { TarEntry, TarKind } from './tar-entry.ts';
import { blockSize } from './tar-header.ts';

const types: Readonly<Record<TarKind, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  character: '3',
  block: '4',
  folder: '5',
  fifo: '6',
};

/** The largest numbers of ustar's fields (POSIX.1-1988). */
const octal7 = 0o7777777;
const octal11 = 0o77777777777;
const nameBytes = 100;

/** Two blocks of zeros. */
export const tarEnd: Buffer = Buffer.alloc(2 * blockSize);

/** The headers of an entry, in PAX where ustar has no room; its bytes follow, and `tarPadding`. Times are whole seconds. */
export function encodeTarEntry(entry: Omit<TarEntry, 'xattrs' | 'mtimeNanoseconds'>): Buffer {
  const { name, linkName, size, uid, gid, mtimeSeconds } = entry;
  const records = [
    ...(name.length > nameBytes ? [record('path', bytesOf(name))] : []),
    ...(linkName.length > nameBytes ? [record('linkpath', bytesOf(linkName))] : []),
    ...(size > octal11 ? [record('size', Buffer.from(String(size)))] : []),
    ...(uid > octal7 ? [record('uid', Buffer.from(String(uid)))] : []),
    ...(gid > octal7 ? [record('gid', Buffer.from(String(gid)))] : []),
    ...(mtimeSeconds < 0 || mtimeSeconds > octal11 ? [record('mtime', Buffer.from(String(mtimeSeconds)))] : []),
  ];
  const header = ustar(types[entry.kind], entry);
  if (records.length === 0) return header;
  const body = Buffer.concat(records);
  const none = { linkName: '' as ByteString, uid: 0, gid: 0, mtimeSeconds: 0, major: 0, minor: 0 };
  const pax = ustar('x', { ...none, name: 'PaxHeaders' as ByteString, mode: 0o644, size: body.length });
  return Buffer.concat([pax, body, tarPadding(body.length), header]);
}

/** What fills the last block of so many bytes. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((blockSize - (size % blockSize)) % blockSize);
}

function ustar(type: string, entry: Omit<TarEntry, 'kind' | 'xattrs' | 'mtimeNanoseconds'>): Buffer {
  const block = Buffer.alloc(blockSize);
  bytesOf(entry.name).copy(block, 0, 0, nameBytes);
  octal(block, 100, 8, entry.mode);
  octal(block, 108, 8, entry.uid);
  octal(block, 116, 8, entry.gid);
  octal(block, 124, 12, entry.size);
  octal(block, 136, 12, entry.mtimeSeconds);
  block.fill(' ', 148, 156);
  block.write(type, 156, 'latin1');
  bytesOf(entry.linkName).copy(block, 157, 0, nameBytes);
  block.write('ustar\x0000', 257, 'latin1');
  octal(block, 329, 8, entry.major);
  octal(block, 337, 8, entry.minor);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0`, 148, 'latin1');
  return block;
}

/** What does not fit is said in PAX, and is 0 here. */
function octal(block: Buffer, at: number, length: number, number: number): void {
  const fits = number >= 0 && number < 8 ** (length - 1);
  block.write((fits ? number : 0).toString(8).padStart(length - 1, '0'), at, 'latin1');
}

/** `length key=value\n`; the length counts itself. */
function record(key: string, value: Buffer): Buffer {
  const rest = key.length + value.length + 3;
  let length = rest + String(rest).length;
  length = rest + String(length).length;
  return Buffer.concat([Buffer.from(`${length} ${key}=`), value, Buffer.from('\n')]);
}
