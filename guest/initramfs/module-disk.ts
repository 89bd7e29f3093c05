/**
 * The modules of file systems, and of the load balancer, that only some pods use: on a disk of their own, which is plugged into the VMs that may need
 * them. In the initramfs they would be in the memory of every guest (xfs alone has 4 MB).
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasModule, type Module, readModules } from './modules.ts';

/** File systems by the name of mount(2), and what services are made of: its own module, then what it asks for beyond dependencies, where that is not built in. */
const ON_DEMAND: Readonly<Record<string, readonly string[]>> = {
  btrfs: ['btrfs'],
  exfat: ['exfat'],
  ipvs: ['ip_vs', 'ip_vs_rr'],
  iso9660: ['isofs'],
  nfs: ['nfsv4', 'nfsv3'],
  squashfs: ['squashfs'],
  vfat: ['vfat', 'nls_cp437', 'nls_ascii', 'nls_utf8'],
  xfs: ['xfs'],
};

export interface ModulesOnDemand {
  readonly name: string;
  /** In the order in which they can be loaded. */
  readonly modules: readonly Module[];
}

/** What a guest must load for each of those that its kernel has, but not built in; `loaded` is there already. */
export function modulesOnDemand(folder: string, loaded: ReadonlySet<string>): ModulesOnDemand[] {
  return Object.entries(ON_DEMAND).flatMap(([name, names]) => {
    const [own, ...others] = names.filter((name) => hasModule(folder, name));
    if (own === undefined || own !== names[0]) return [];
    const modules = readModules(folder, [...others, own]);
    return { name, modules: modules.filter((module) => !loaded.has(module.name)) };
  });
}

/** Writes an ext4 that has each module as NAME.ko; without any there is none. */
export function writeModuleDisk(target: string, all: readonly ModulesOnDemand[]): void {
  const modules = new Map(all.flatMap((each) => each.modules.map((module) => [module.name, module.content])));
  if (modules.size === 0) {
    rmSync(target, { force: true });
    return;
  }
  const folder = mkdtempSync(`${target}.`);
  try {
    let kibibytes = 1024;
    for (const [name, content] of modules) {
      writeFileSync(join(folder, `${name}.ko`), content, { mode: 0o644 });
      kibibytes += Math.ceil(content.length / 4096) * 4 + 64;
    }
    const made = `${target}.new`;
    rmSync(made, { force: true });
    const plain = ['-O', '^has_journal', '-m', '0', '-b', '4096', '-E', 'nodiscard,root_owner=0:0'];
    const options = ['-q', '-F', '-t', 'ext4', ...plain, '-d', folder];
    const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
    const ran = spawnSync('mke2fs', [...options, made, `${String(kibibytes)}k`], {
      env,
      encoding: 'utf8',
    });
    if (ran.status !== 0)
      throw new Error(`mke2fs failed: install the package e2fsprogs: ${ran.stderr}`, { cause: ran.error });
    renameSync(made, target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
