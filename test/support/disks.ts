import { execFileSync } from 'node:child_process';
import { closeSync, openSync, truncateSync, writeSync } from 'node:fs';

const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
const quiet = { env, stdio: 'pipe' } as const;

/** Commands that make an empty file system of this type in a file. */
const makers = {
  ext4: ['mke2fs', '-q', '-F', '-t', 'ext4'],
  xfs: ['mkfs.xfs', '-q', '-f'],
  vfat: ['mkfs.vfat'],
} as const;
export type MadeFileSystem = keyof typeof makers;

/** A raw disk with an empty file system. */
export function makeRawDisk(path: string, mebibytes: number, type: MadeFileSystem = 'ext4'): void {
  closeSync(openSync(path, 'w'));
  truncateSync(path, mebibytes * 2 ** 20);
  const [command, ...args] = makers[type];
  execFileSync(command, [...args, path], quiet);
}

export function qemuImg(...args: readonly string[]): void {
  execFileSync('qemu-img', args, quiet);
}

/** The same as a sparse qcow2. */
export function makeQcow2Disk(path: string, mebibytes: number): void {
  makeRawDisk(`${path}.raw`, mebibytes);
  qemuImg('convert', '-f', 'raw', '-O', 'qcow2', `${path}.raw`, path);
}

/** What a file on a raw ext4 holds, as the host's tools read it. */
export function readOnDisk(path: string, file: string): string {
  return execFileSync('debugfs', ['-R', `cat ${file}`, path], {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

/** Puts a file system where the second partition of a disk is, and a table before it (the first one has nothing). */
export function makePartitionedDisk(path: string, mebibytes: number): void {
  const part = `${path}.part`;
  makeRawDisk(part, mebibytes);
  closeSync(openSync(path, 'w'));
  truncateSync(path, (mebibytes + 2) * 2 ** 20);
  execFileSync('dd', [`if=${part}`, `of=${path}`, 'bs=1M', 'seek=2', 'conv=notrunc,sparse'], quiet);
  const table = Buffer.alloc(66);
  for (const [at, begin, sectors] of [
    [0, 2048, 2048],
    [1, 4096, mebibytes * 2048],
  ] as const) {
    table[at * 16 + 4] = 0x83;
    table.writeUInt32LE(begin, at * 16 + 8);
    table.writeUInt32LE(sectors, at * 16 + 12);
  }
  table.writeUInt16LE(0xaa55, 64);
  writeAt(path, 446, table);
}

export function writeAt(path: string, position: number, bytes: Buffer): void {
  const file = openSync(path, 'r+');
  try {
    writeSync(file, bytes, 0, bytes.length, position);
  } finally {
    closeSync(file);
  }
}

/** The header of a qcow2 whose backing file is this one of the host's. */
export function qcow2HeaderWithBacking(backing: string): Buffer {
  const header = Buffer.alloc(512);
  header.write('QFI\xfb', 0, 'latin1');
  header.writeUInt32BE(2, 4);
  header.writeBigUInt64BE(72n, 8);
  header.writeUInt32BE(backing.length, 16);
  header.writeUInt32BE(16, 20);
  header.writeBigUInt64BE(64n << 20n, 24);
  header.write(backing, 72, 'latin1');
  return header;
}
