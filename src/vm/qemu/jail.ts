import { relative } from 'node:path';
import { HyperError } from '../../lib/errors.ts';

/** The user that QEMU runs as. */
export interface QemuUser {
  readonly uid: number;
  readonly gid: number;
}

export interface JailOptions {
  readonly user: QemuUser;
  /** The group that opens /dev/kvm; null where everyone may, or nobody. */
  readonly kvmGroup: number | null;
  /** In a user namespace the host's groups cannot be named: those that the user has are kept. */
  readonly rootless: boolean;
  /** Where disks are. */
  readonly root: string;
  /** The VM's own folder. */
  readonly folder: string;
}

/**
 * Where QEMU finds its folders. Homes and runtime folders are closed to QEMU's user, who is neither root nor the one
 * whose they are; so they are bound to places that everyone passes through, in a mount namespace of the process's own.
 */
const inside = { folder: '/mnt', root: '/media' } as const;

/** Makes the mounts, then becomes the rest of the command line. */
const script = `mount --bind "$1" ${inside.folder} && mount --bind "$2" ${inside.root} && shift 2 && exec "$@"`;

/**
 * The command line that enters a mount namespace, drops every right and then is QEMU: the process keeps its pid.
 *
 * Node's `spawn({ uid, gid })` drops all supplementary groups and with them /dev/kvm (facts: Node), so setpriv does it.
 */
export function jailed(
  jail: JailOptions,
  command: readonly string[],
): readonly [file: string, args: readonly string[]] {
  const { user, kvmGroup, rootless } = jail;
  let groups = ['--clear-groups'];
  if (kvmGroup !== null) groups = rootless ? ['--keep-groups'] : ['--groups', String(kvmGroup)];
  const drop = [
    ...['setpriv', '--reuid', String(user.uid), '--regid', String(user.gid), ...groups],
    ...['--no-new-privs', '--inh-caps=-all', '--bounding-set=-all', '--'],
  ];
  return ['unshare', ['--mount', '--', 'sh', '-c', script, 'sh', jail.folder, jail.root, ...drop, ...command]];
}

/** The path by which QEMU knows a file of the VM's folder or of the root folder. */
export function insideJail({ root, folder }: Pick<JailOptions, 'root' | 'folder'>, path: string): string {
  for (const [outer, inner] of [
    [folder, inside.folder],
    [root, inside.root],
  ] as const) {
    const below = relative(outer, path);
    if (!below.startsWith('..')) return `${inner}/${below}`;
  }
  throw new HyperError('internal', `${path} is outside what a VM may see`);
}
