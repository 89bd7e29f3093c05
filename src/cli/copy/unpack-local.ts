import * as fs from 'node:fs';
import { type ByteString, byteString, bytesOf, joinBytes, quoteBytes, splitPath } from '../../lib/byte-string.ts';
import { HyperError } from '../../lib/errors.ts';
import type { TarEntry, TarSink } from '../../lib/tar/tar-entry.ts';

export interface UnpackLocalOptions {
  /** Where it goes: a folder that is there. Nothing is written outside of it, whatever the tar says. */
  readonly folder: string;
  /** What all names of the tar begin with; `.`: they are taken as they are. */
  readonly from: string;
  /** What they begin with instead; `.`: the folder itself. */
  readonly to: string;
  /** Owners and set-id bits are kept, as far as this user may. */
  readonly owners: boolean;
}

/**
 * Unpacks a tar that a container has written, which is a stranger's: names with `..` are refused, no symlink of it is followed,
 * no device of it is made. Works at once in each call: the tar is read no faster than it is written.
 */
export class UnpackLocal implements TarSink {
  readonly #options: UnpackLocalOptions;
  readonly #root: ByteString;
  /** Folders below the root that are known to be ones. */
  readonly #folders = new Set<ByteString>();
  readonly #filled: { readonly path: ByteString; readonly entry: TarEntry }[] = [];
  #file: { readonly descriptor: number; readonly path: ByteString; readonly entry: TarEntry } | undefined;
  /** What cannot be made here: devices and FIFOs. */
  readonly left: string[] = [];

  constructor(options: UnpackLocalOptions) {
    this.#options = options;
    this.#root = byteString(options.folder);
  }

  entry(entry: TarEntry): void {
    this.#finishFile();
    const parts = this.#place(entry.name);
    if (parts.length === 0) {
      if (entry.kind !== 'folder') throw outside(entry.name);
      return; // what is copied into stays as it is
    }
    this.#checkFolders(parts.slice(0, -1), entry.name);
    const path = this.#path(parts);
    if (entry.kind === 'character' || entry.kind === 'block' || entry.kind === 'fifo') {
      this.left.push(quoteBytes(entry.name));
      return;
    }
    const isThere = this.#makeWay(path, entry);
    switch (entry.kind) {
      case 'folder':
        if (!isThere) fs.mkdirSync(bytesOf(path), 0o700);
        this.#folders.add(path);
        this.#filled.push({ path, entry });
        return;
      case 'symlink':
        fs.symlinkSync(bytesOf(entry.linkName), bytesOf(path));
        if (this.#keepsOwners) fs.lchownSync(bytesOf(path), entry.uid, entry.gid);
        fs.lutimesSync(bytesOf(path), entry.mtimeSeconds, entry.mtimeSeconds);
        return;
      case 'hardlink': {
        const target = this.#place(entry.linkName);
        this.#checkFolders(target.slice(0, -1), entry.linkName);
        fs.linkSync(bytesOf(this.#path(target)), bytesOf(path));
        return;
      }
      case 'file': {
        const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = fs.constants;
        const descriptor = fs.openSync(bytesOf(path), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
        this.#file = { descriptor, path, entry };
      }
    }
  }

  data(bytes: Buffer): void {
    const file = this.#file;
    if (file === undefined) return;
    for (let at = 0; at < bytes.length;) at += fs.writeSync(file.descriptor, bytes, at);
  }

  /** A guest's packer makes none. */
  hole(): void {
    throw new HyperError('corrupt', 'the archive has a sparse file, which none of hyperd’s has: nothing of it is made');
  }

  /** All has come: folders get their modes and times, which were in the way before. */
  finish(): void {
    this.#finishFile();
    for (const { path, entry } of this.#filled.reverse()) {
      if (this.#keepsOwners) fs.lchownSync(bytesOf(path), entry.uid, entry.gid);
      fs.chmodSync(bytesOf(path), this.#mode(entry));
      fs.utimesSync(bytesOf(path), entry.mtimeSeconds, entry.mtimeSeconds);
    }
  }

  /** It broke off: half a file is removed. */
  abort(): void {
    if (this.#file === undefined) return;
    fs.closeSync(this.#file.descriptor);
    fs.rmSync(bytesOf(this.#file.path), { force: true });
    this.#file = undefined;
  }

  get #keepsOwners(): boolean {
    return this.#options.owners && process.geteuid?.() === 0;
  }

  /** A program that is its user's by a set-id bit is not what a container should give. */
  #mode({ mode }: TarEntry): number {
    return mode & (this.#options.owners ? 0o7777 : 0o1777);
  }

  #finishFile(): void {
    const file = this.#file;
    if (file === undefined) return;
    const { descriptor, entry } = file;
    if (this.#keepsOwners) fs.fchownSync(descriptor, entry.uid, entry.gid);
    fs.fchmodSync(descriptor, this.#mode(entry));
    fs.futimesSync(descriptor, entry.mtimeSeconds, entry.mtimeSeconds);
    this.#file = undefined;
    fs.closeSync(descriptor);
  }

  /** The parts of a name below the root. */
  #place(name: ByteString): ByteString[] {
    const { from, to } = this.#options;
    const parts = splitPath(name).filter((part) => part !== '' && part !== '.');
    if (parts.includes(byteString('..'))) throw outside(name);
    if (from !== '.' && parts.shift() !== byteString(from)) throw outside(name);
    return to === '.' ? parts : [byteString(to), ...parts];
  }

  #path(parts: readonly ByteString[]): ByteString {
    return joinBytes([this.#root, ...parts], '/');
  }

  /** Each must be a folder, and no symlink to one; what is missing is made. */
  #checkFolders(parts: readonly ByteString[], name: ByteString): void {
    for (let count = 1; count <= parts.length; count++) {
      const path = this.#path(parts.slice(0, count));
      if (this.#folders.has(path)) continue;
      const stats = fs.lstatSync(bytesOf(path), { throwIfNoEntry: false });
      if (stats === undefined) fs.mkdirSync(bytesOf(path));
      else if (!stats.isDirectory()) {
        throw new HyperError(
          'conflict',
          `${quoteBytes(name)} would be written through ${quoteBytes(path)}: remove that`,
        );
      }
      this.#folders.add(path);
    }
  }

  /** Answers whether it is a folder that is there. */
  #makeWay(path: ByteString, entry: TarEntry): boolean {
    const stats = fs.lstatSync(bytesOf(path), { throwIfNoEntry: false });
    if (stats === undefined) return false;
    const isFolder = entry.kind === 'folder';
    if (stats.isDirectory() !== isFolder) {
      const [from, to] = isFolder ? ['non-directory', 'directory'] : ['directory', 'non-directory'];
      throw new HyperError('conflict', `cannot overwrite ${from} ${quoteBytes(path)} with ${to}`);
    }
    if (!isFolder) fs.unlinkSync(bytesOf(path));
    return isFolder;
  }
}

function outside(name: ByteString): HyperError {
  return new HyperError('corrupt', `the container's tar has ${quoteBytes(name)}, which is not what was asked for`);
}
