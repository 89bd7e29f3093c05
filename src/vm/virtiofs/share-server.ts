import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { HyperError, systemCode } from '../../lib/errors.ts';
import { exists } from '../../lib/exists.ts';
import { identifyProcess, type ProcessIdentity, signalProcess, stillRuns } from '../../lib/process-identity.ts';
import { missingCommand } from '../../lib/run-command.ts';
import type { Share } from '../hypervisor.ts';
import { chooseSandbox, findVirtiofsd, type Sandbox, type Virtiofsd, virtiofsdCommand } from './virtiofsd.ts';

/** Where a VM's shares are served from. The folder's path has the VM's id in it: by that its processes are found. */
export interface ShareFiles {
  readonly shares: string;
  readonly shareSocket: string;
  readonly shareErrors: string;
}

export interface ShareServerOptions {
  readonly files: ShareFiles;
  readonly shares: readonly Share[];
  /** Who may connect: QEMU's. */
  readonly user: { readonly uid: number; readonly gid: number };
  readonly rootless: boolean;
  readonly signal: AbortSignal;
}

/** The descriptor of the socket in virtiofsd's process: the first that perl opens. */
const descriptor = 3;
/** How often it is looked whether it listens: 0.03 s in all. */
const intervalMs = 3;

/**
 * Puts a VM's shares together and becomes virtiofsd, keeping its pid. In a mount namespace of its own it mounts a tmpfs on
 * the folder and each share in it: a file alone, without its neighbours; what is read-only is so down to its last mount,
 * in the host's kernel. Nothing of it is seen outside, and with the process all of it is gone. perl-base is essential in
 * Debian. The numbers are Linux's on x86-64: mount is call 165, unshare 272 (CLONE_NEWNS 0x20000), mount_setattr 442;
 * MS_BIND 0x1000, MS_REC 0x4000, MS_PRIVATE 0x40000, MS_REMOUNT 0x20, MS_RDONLY 1, NOSUID | NODEV | NOEXEC 14;
 * AT_RECURSIVE 0x8000, MOUNT_ATTR_RDONLY 1.
 */
const script = `
use strict;
use Socket;
my ($place, $path, $uid, $gid, $count, @rest) = @ARGV;
sub mounted { my ($what, @call) = @_; syscall(165, @call) == 0 or die "cannot mount $what: $!\n"; }
syscall(272, 0x20000) == 0 or die "cannot have a mount namespace: $!\n";
mounted('/', 0, '/', 0, 0x44000, 0);
mounted('a tmpfs', 'tmpfs', $place, 'tmpfs', 14, 'mode=755,size=1m');
for (1 .. $count) {
  my ($name, $source, $kind, $access) = splice @rest, 0, 4;
  my $target = "$place/$name";
  if ($kind eq 'folder') { mkdir $target, 0755 or die "$target: $!\n"; }
  else { open my $file, '>', $target or die "$target: $!\n"; }
  mounted($source, $source, $target, 0, 0x5000, 0);
  next if $access ne 'ro';
  my $attributes = pack('QQQQ', 1, 0, 0, 0);
  syscall(442, -100, $target, 0x8000, $attributes, 32) == 0 or die "cannot make $source read-only: $!\n";
}
mounted($place, 0, $place, 0, 0x1000 | 0x20 | 1 | 14, 0);
$^F = 1000; # what is opened from here on stays open in virtiofsd
umask 0177;
socket(my $listener, AF_UNIX, SOCK_STREAM, 0) or die "socket: $!\n";
fileno($listener) == ${descriptor} or die "the socket has another number\n";
my $new = "$path.new";
bind($listener, pack_sockaddr_un($new)) or die "$new: $!\n";
chown $uid, $gid, $new or die "$new: $!\n";
listen($listener, 1) or die "$new: $!\n";
umask 022;
-x $rest[0] or die "$rest[0]: $!\n";
rename $new, $path or die "$path: $!\n"; # who finds it can connect
exec { $rest[0] } @rest or die "$rest[0]: $!\n";
`;

/** Serves shares of the host to VMs: finds out once how it is done here. */
export class ShareServers {
  #found: Promise<readonly [Virtiofsd, Sandbox]> | undefined;

  /**
   * Starts the server of one VM's shares; resolves when its socket takes a connection.
   *
   * @throws HyperError `missing_dependency`; `cannot_start` with what could not be mounted.
   */
  async start(options: ShareServerOptions): Promise<ProcessIdentity> {
    const { files, shares, user, rootless, signal } = options;
    const [virtiofsd, sandbox] = await this.#find();
    await mkdir(files.shares, { mode: 0o700 });
    await using errors = await open(files.shareErrors, 'w', 0o600);
    const each = shares.flatMap(({ name, path, kind, readOnly }) => [name, path, kind, readOnly ? 'ro' : 'rw']);
    const command = virtiofsdCommand(virtiofsd, { descriptor, folder: files.shares, sandbox, rootless });
    const args = [files.shares, files.shareSocket, String(user.uid), String(user.gid), String(shares.length), ...each];
    const child = spawn('perl', ['-e', script, '--', ...args, ...command], {
      ...{ detached: true, stdio: ['ignore', errors.fd, errors.fd], cwd: '/', env: { PATH: process.env['PATH'] } },
    });
    await once(child, 'spawn').catch((error: unknown) => {
      throw systemCode(error) === 'ENOENT' ? missingCommand('perl', error) : error;
    });
    child.unref();
    const identity = child.pid === undefined ? undefined : await identifyProcess(child.pid);
    try {
      while (identity !== undefined && (await stillRuns(identity))) {
        signal.throwIfAborted();
        if (await exists(files.shareSocket)) return identity;
        await delay(intervalMs);
      }
      const said = (await readFile(files.shareErrors, 'utf8')).trim().split('\n').at(-1) ?? '';
      throw new HyperError('cannot_start', `the pod's folders of this host cannot be served: ${said}`);
    } catch (error) {
      if (identity !== undefined) await signalProcess(identity, 'SIGKILL');
      throw error;
    }
  }

  async #find(): Promise<readonly [Virtiofsd, Sandbox]> {
    this.#found ??= Promise.all([findVirtiofsd(), chooseSandbox()]);
    try {
      return await this.#found;
    } catch (error) {
      this.#found = undefined; // it may be installed meanwhile
      throw error;
    }
  }
}
