/**
 * Puts the guest's file tree together: FOLDER/initramfs.cpio from the agent, the kernel's modules and busybox,
 * FOLDER/modules.ext4 with the modules that only some pods need, and FOLDER/guest.json that says what it is. FOLDER, where
 * the kernel is, is guest/build: run `guest/kernel/fetch.sh` and
 * `make -C guest/agent` before. That of scripts/kernel, guest/build/hyper, has all that is needed built in.
 *
 *     node guest/initramfs/build.ts [FOLDER]
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Entry, writeCpio } from './cpio.ts';
import { type ModulesOnDemand, modulesOnDemand, writeModuleDisk } from './module-disk.ts';
import { hasModule, type Module, readModules } from './modules.ts';

const guest = join(import.meta.dirname, '..');
const build = join(guest, 'build');
const folder = resolve(process.argv[2] ?? build);

/** What is needed at once, in the order in which they are loaded: first what the host speaks to the agent through. */
const AT_ONCE = ['virtio_pci', 'virtio_console', 'virtio_blk', 'virtio_net'];
/**
 * What no disk of a container's can be mounted without: loaded while the host puts disks into the VM's slots. Their driver is
 * not among them, for it keeps the size that a disk has when it comes.
 */
const FILE_SYSTEMS = [
  'overlay',
  'crc32c_generic', // erofs asks the crypto API for it by name: without it mounting says "No such device"
  'erofs',
  'ext4',
];
/** For folders of the host: loaded by the first container that has one. */
const SHARE_MODULES = ['virtiofs'];
/** Only where the kernel has them as modules; some have them built in or not at all. */
const OPTIONAL_MODULES = ['vmgenid'];

const FOLDERS = [
  'bin',
  'dev',
  'etc',
  'lib',
  'lib/modules',
  'proc',
  'root',
  'run',
  'sbin',
  'sys',
  'tmp',
  'usr',
  'usr/bin',
  'usr/sbin',
];

function need(path: string, how: string): Buffer {
  if (!existsSync(path)) throw new Error(`${path} is missing: ${how}`);
  return readFileSync(path);
}

function findBusybox(): string {
  const path = ['/bin/busybox', '/usr/bin/busybox'].find((candidate) => existsSync(candidate));
  if (path === undefined) throw new Error('busybox is missing: install the package busybox-static');
  const program = readFileSync(path);
  // A program that asks for a dynamic linker (PT_INTERP, type 3) finds none in the guest.
  const table = Number(program.readBigUInt64LE(0x20));
  for (let index = 0; index < program.readUInt16LE(0x38); index++)
    if (program.readUInt32LE(table + index * program.readUInt16LE(0x36)) === 3)
      throw new Error(`${path} is not static: install the package busybox-static`);
  return path;
}

function busyboxEntries(): Entry[] {
  const path = findBusybox();
  const listed = spawnSync(path, ['--list-full'], { encoding: 'utf8' });
  if (listed.status !== 0) throw new Error(`${path} --list-full failed`, { cause: listed.error });
  const applets = listed.stdout
    .split('\n')
    .filter((applet) => /^(usr\/)?s?bin\//.test(applet) && applet !== 'bin/busybox');
  return [
    { kind: 'file', path: 'bin/busybox', mode: 0o755, content: readFileSync(path) },
    ...applets.map((applet): Entry => ({ kind: 'link', path: applet, target: '/bin/busybox' })),
  ];
}

function moduleEntries(folder: string): { readonly entries: Entry[]; readonly onDisk: ModulesOnDemand[] } {
  const known = new Set<string>();
  /** With those that they need, but for those of the lists before. */
  const further = (names: readonly string[]): Module[] => {
    const modules = readModules(folder, names).filter(({ name }) => !known.has(name));
    for (const { name } of modules) known.add(name);
    return modules;
  };
  const atOnce = further([...AT_ONCE, ...OPTIONAL_MODULES.filter((name) => hasModule(folder, name))]);
  const fileSystems = further(FILE_SYSTEMS);
  const onDisk = modulesOnDemand(folder, known);
  const forShares = further(SHARE_MODULES);
  const list = (path: string, modules: readonly Module[]): Entry => ({
    ...{ kind: 'file', path: `lib/modules/${path}`, mode: 0o644 },
    content: Buffer.from(modules.map(({ name }) => `${name}.ko\n`).join('')),
  });
  const entries: Entry[] = [
    list('at-once', atOnce),
    list('file-systems', fileSystems),
    list('shares', forShares),
    ...(onDisk.length === 0 ? [] : [{ kind: 'folder', path: 'lib/modules/on-demand', mode: 0o755 } as const]),
    ...onDisk.map(({ name, modules }) => list(`on-demand/${name}`, modules)),
    ...[...atOnce, ...fileSystems, ...forShares].map(({ name, content }): Entry => ({
      kind: 'file',
      path: `lib/modules/${name}.ko`,
      mode: 0o644,
      content,
    })),
  ];
  return { entries, onDisk };
}

function treeEntries(): Entry[] {
  return [
    ...FOLDERS.map((path): Entry => ({ kind: 'folder', path, mode: path === 'root' ? 0o700 : 0o755 })),
    // The kernel opens it for PID 1 before anything is mounted.
    { kind: 'device', path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
    { kind: 'file', path: 'etc/passwd', mode: 0o644, content: Buffer.from('root:x:0:0:root:/root:/bin/sh\n') },
    { kind: 'file', path: 'etc/group', mode: 0o644, content: Buffer.from('root:x:0:\ntty:x:5:\n') },
  ];
}

function replaceFile(path: string, content: Buffer | string): void {
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

const kernelScript = folder === build ? 'guest/kernel/fetch.sh' : 'scripts/kernel';
const vmlinux = need(join(folder, 'vmlinux'), `run ${kernelScript}`);
const agent = need(join(build, 'hyperstart'), 'run make -C guest/agent');
const kernelVersion = need(join(folder, 'kernel/version'), `run ${kernelScript}`).toString().trim();
const agentVersion = /AGENT_VERSION "([^"]+)"/.exec(readFileSync(join(guest, 'agent/version.h'), 'utf8'))?.[1];
if (agentVersion === undefined) throw new Error('guest/agent/version.h names no AGENT_VERSION');

const { entries: modules, onDisk } = moduleEntries(join(folder, 'kernel/modules'));
writeModuleDisk(join(folder, 'modules.ext4'), onDisk);
const initramfs = writeCpio([
  ...treeEntries(),
  ...busyboxEntries(),
  ...modules,
  { kind: 'file', path: 'init', mode: 0o755, content: agent },
]);
replaceFile(join(folder, 'initramfs.cpio'), initramfs);
const config = need(join(folder, 'kernel/config'), `run ${kernelScript}`).toString();
const description = {
  kernelVersion,
  /** Whether the kernel has the driver of a vmgenid device. */
  generationId: /^CONFIG_VMGENID=y$/m.test(config) || modules.some(({ path }) => path.includes('/vmgenid.ko')),
  agentVersion,
  vmlinuxSha256: sha256(vmlinux),
  initramfsSha256: sha256(initramfs),
};
replaceFile(join(folder, 'guest.json'), `${JSON.stringify(description, null, 2)}\n`);
console.log(`initramfs: ${String(initramfs.length >> 10)} KiB, kernel ${kernelVersion}, agent ${agentVersion}`);
