import { HyperError } from '../../lib/errors.ts';
import { exists } from '../../lib/exists.ts';
import { runCommand } from '../../lib/run-command.ts';

/** How virtiofsd shuts itself in: a folder of its own is its root either way. */
export type Sandbox = 'namespace' | 'chroot';

/** A virtiofsd of this machine, and how it wants to be called. */
export interface Virtiofsd {
  readonly path: string;
  /** QEMU's own in C, up to its version 7.2 (Debian 12), or the one in Rust that took its place. */
  readonly language: 'c' | 'rust';
}

/** It is in nobody's PATH: Debian 13 and Fedora, Debian 12 and Ubuntu 22.04, Arch. */
const places = ['/usr/libexec/virtiofsd', '/usr/lib/qemu/virtiofsd', '/usr/lib/virtiofsd'];

/** @throws HyperError `missing_dependency` with what to install. */
export async function findVirtiofsd(): Promise<Virtiofsd> {
  for (const path of places) {
    if (!(await exists(path))) continue;
    const { stdout, stderr } = await runCommand(path, ['--help'], { timeoutMs: 10_000 });
    return { path, language: (stdout + stderr).includes('--shared-dir') ? 'rust' : 'c' };
  }
  throw new HyperError(
    'missing_dependency',
    "virtiofsd, which gives pods folders of this host, is not installed: install the package 'virtiofsd'",
  );
}

/** Namespaces of its own where they can be had; a container that hyperd runs in may hide parts of /proc. */
export async function chooseSandbox(): Promise<Sandbox> {
  try {
    await runCommand('unshare', ['--mount', '--pid', '--net', '--fork', '--mount-proc', 'true'], { timeoutMs: 10_000 });
    return 'namespace';
  } catch {
    return 'chroot';
  }
}

export interface VirtiofsdOptions {
  /** The number of a socket that listens. */
  readonly descriptor: number;
  readonly folder: string;
  readonly sandbox: Sandbox;
  /** In a user namespace the limit of open files cannot be raised. */
  readonly rootless: boolean;
}

/**
 * Its command line. `auto`: what is opened is as the host has it, attributes are up to a second old; with `none` nothing
 * could be mapped shared. Mount points are told, so that inode numbers of two file systems are not taken for one's. No
 * device nodes: one in a host folder would be a way to the host's devices for whoever opens it there.
 */
export function virtiofsdCommand({ path, language }: Virtiofsd, options: VirtiofsdOptions): string[] {
  const { descriptor, folder, sandbox, rootless } = options;
  const limit = rootless ? ['--rlimit-nofile=0'] : [];
  const common = [path, `--fd=${descriptor}`, ...limit];
  if (language === 'rust') {
    return [
      ...[...common, '--shared-dir', folder, `--sandbox=${sandbox}`, '--cache=auto', '--xattr'],
      ...['--announce-submounts', '--modcaps=-mknod', '--log-level=warn'],
    ];
  }
  // A comma would begin another option.
  const source = folder.replaceAll(/[\\,]/g, '\\$&');
  const words = [`source=${source}`, `sandbox=${sandbox}`, 'cache=auto', 'xattr', 'announce_submounts'];
  return [...common, '-f', ...[...words, 'modcaps=-mknod', 'log_level=warn'].flatMap((word) => ['-o', word])];
}
