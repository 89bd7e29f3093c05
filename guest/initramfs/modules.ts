/** The kernel's modules: which the guest needs, and in which order they can be loaded. */
import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { zstdDecompressSync } from 'node:zlib';

export interface Module {
  /** As the kernel names it, with underscores. */
  readonly name: string;
  readonly content: Buffer;
}

/**
 * Reads the modules with these names and all that they need, each after those that it needs. What is built into the kernel
 * is skipped. The `depends=` of each module's .modinfo is what depmod makes modules.dep of; an unpacked package has none.
 */
export function readModules(folder: string, names: readonly string[]): Module[] {
  const files = new Map(listFiles(folder).map((path) => [moduleName(path), path]));
  const builtIn = new Set(readFileSync(join(folder, 'modules.builtin'), 'utf8').split('\n').map(moduleName));
  const loaded = new Map<string, Module>();
  const visit = (name: string): void => {
    if (loaded.has(name) || builtIn.has(name)) return;
    const path = files.get(name);
    if (path === undefined) throw new Error(`the kernel in ${folder} has no module ${name}, and it is not built in`);
    const content = readModule(path);
    for (const needed of dependencies(content)) visit(needed);
    loaded.set(name, { name, content });
  };
  for (const name of names) visit(name);
  return [...loaded.values()];
}

/** Whether the kernel has this as a module (not built in, not absent). */
export function hasModule(folder: string, name: string): boolean {
  return listFiles(folder).some((path) => moduleName(path) === name);
}

function listFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.ko(\.xz|\.zst)?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

function moduleName(path: string): string {
  return basename(path)
    .replace(/\.ko(\.xz|\.zst)?$/, '')
    .replaceAll('-', '_');
}

function readModule(path: string): Buffer {
  const bytes = readFileSync(path);
  if (path.endsWith('.zst')) return zstdDecompressSync(bytes);
  if (!path.endsWith('.xz')) return bytes;
  const result = spawnSync('xz', ['-dc'], { input: bytes, maxBuffer: 1 << 28 });
  if (result.status !== 0) throw new Error(`cannot unpack ${path}: install xz-utils`, { cause: result.error });
  return result.stdout;
}

function dependencies(module: Buffer): string[] {
  const marker = Buffer.from('\0depends=');
  const info = section(module, '.modinfo');
  const start = info.indexOf(marker);
  if (start < 0 && !info.subarray(0, marker.length - 1).equals(marker.subarray(1))) return [];
  const from = start < 0 ? marker.length - 1 : start + marker.length;
  const text = info.toString('latin1', from, info.indexOf(0, from));
  return text
    .split(',')
    .filter((name) => name !== '')
    .map(moduleName);
}

/** A section of a little-endian 64-bit ELF file. */
function section(elf: Buffer, name: string): Buffer {
  if (elf.readUInt32BE(0) !== 0x7f454c46 || elf[4] !== 2) throw new Error('a kernel module is not a 64-bit ELF file');
  const table = Number(elf.readBigUInt64LE(0x28));
  const size = elf.readUInt16LE(0x3a);
  const count = elf.readUInt16LE(0x3c);
  const header = (index: number) => {
    const at = table + index * size;
    const offset = Number(elf.readBigUInt64LE(at + 0x18));
    return { name: elf.readUInt32LE(at), bytes: elf.subarray(offset, offset + Number(elf.readBigUInt64LE(at + 0x20))) };
  };
  const names = header(elf.readUInt16LE(0x3e)).bytes;
  for (let index = 0; index < count; index++) {
    const { name: nameOffset, bytes } = header(index);
    if (names.toString('latin1', nameOffset, names.indexOf(0, nameOffset)) === name) return bytes;
  }
  throw new Error(`a kernel module has no section ${name}`);
}
