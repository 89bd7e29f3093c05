import { constants, type BigIntStats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { HyperError, messageOf, systemCode } from '../lib/errors.ts';
import { checkQcow2, qcow2HeaderBytes } from './qcow2-header.ts';

export const diskFormats = ['raw', 'qcow2'] as const;
export type DiskFormat = (typeof diskFormats)[number];

const formatOfEnding: Readonly<Record<string, DiskFormat>> = { qcow2: 'qcow2', raw: 'raw', img: 'raw' };

/** Those of disks that a guest's kernel may have. */
const fileSystems = [...['ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'vfat', 'exfat'], ...['iso9660', 'squashfs', 'erofs']];

/** A file of this host that is a disk, open. */
export interface DiskFile {
  readonly handle: FileHandle;
  /** The same for each path that leads to it. */
  readonly identity: string;
}

/**
 * What a disk's format is: as it is said, else as its name ends. What is in it never counts: a guest can write anything to
 * a raw disk, also the header of a qcow2 that has this host's files for its own.
 *
 * @throws HyperError `bad_request`
 */
export function diskFormat(path: string, said: DiskFormat | undefined): DiskFormat {
  const [, ending = ''] = /\.([^./]+)$/.exec(path) ?? [];
  const format = said ?? formatOfEnding[ending.toLowerCase()];
  if (format !== undefined) return format;
  throw new HyperError('bad_request', `the name of ${path} does not tell its format: give format=raw or format=qcow2`);
}

/** @throws HyperError `bad_request` for what is no file system of disks */
export function checkFileSystem(name: string): string {
  if (fileSystems.includes(name)) return name;
  throw new HyperError('bad_request', `there is no file system '${name}' for disks: give ${fileSystems.join(', ')}`);
}

/**
 * Opens a disk with the rights of hyperd's user, whom nobody who may use hyperd has less than. The hypervisor, which has
 * none, is given what is open.
 *
 * @throws HyperError `bad_request`, `unsupported` with what is the matter with it
 */
export async function openDiskFile(path: string, format: DiskFormat, readOnly: boolean): Promise<DiskFile> {
  const handle = await openFile(path, readOnly);
  try {
    const found = await handle.stat({ bigint: true });
    checkKind(path, found);
    if (found.size === 0n) {
      const how = format === 'raw' ? `'truncate -s 1G' and 'mkfs.ext4'` : `'qemu-img create -f qcow2'`;
      throw new HyperError('bad_request', `${path} is empty: make a disk of it with ${how}`);
    }
    if (format === 'qcow2') {
      const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(qcow2HeaderBytes), position: 0 });
      checkQcow2(path, buffer.subarray(0, bytesRead));
    }
    return { handle, identity: identityOf(found) };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** What a file is known by, for who had it open before; its path where nothing is there any more. */
export async function diskIdentity(path: string): Promise<string> {
  return await stat(path, { bigint: true }).then(identityOf, () => path);
}

const identityOf = ({ dev, ino }: BigIntStats): string => `${dev}:${ino}`;

async function openFile(path: string, readOnly: boolean): Promise<FileHandle> {
  try {
    // A pipe would be waited for, and what is no file is not to be opened for writing.
    checkKind(path, await stat(path, { bigint: true }));
    return await open(path, (readOnly ? constants.O_RDONLY : constants.O_RDWR) | constants.O_NONBLOCK);
  } catch (error) {
    if (error instanceof HyperError) throw error;
    throw new HyperError('bad_request', whyNotOpen(path, readOnly, error), { cause: error });
  }
}

function whyNotOpen(path: string, readOnly: boolean, error: unknown): string {
  switch (systemCode(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return `there is no disk at ${path}: make one, as with 'truncate -s 1G' and 'mkfs.ext4', or look at the path`;
    case 'EACCES':
    case 'EPERM':
      return `${path} may not be ${readOnly ? 'read' : 'written'} by hyperd: see its owner and mode${readOnly ? '' : ', or mount it with ro'}`;
    case 'EROFS':
      return `${path} is on a file system that is read-only: mount it with ro`;
    default:
      return `the disk ${path} cannot be opened: ${messageOf(error)}`;
  }
}

function checkKind(path: string, found: BigIntStats): void {
  if (found.isFile()) return;
  if (found.isDirectory()) {
    throw new HyperError('bad_request', `${path} is a folder, and a disk is a file: give type=bind for a folder`);
  }
  const what = found.isBlockDevice() ? 'a device of this host' : 'no file';
  throw new HyperError('unsupported', `${path} is ${what}: a disk is a file, raw or qcow2`);
}
