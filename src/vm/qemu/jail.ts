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

/**
 * `become` makes the mounts, drops every right and becomes QEMU. Node's `spawn({ uid, gid })` drops all supplementary groups
 * and with them /dev/kvm (facts: Node); and one process takes 2 ms where `unshare`, `sh`, two `mount`s and `setpriv` take 6.
 * With arguments the script does that, else it starts one QEMU after the other as it is told (jailer.ts): in a session of its
 * own, with open files of ours from descriptor 3 on. perl-base is essential in Debian. The numbers are Linux's on x86-64: unshare is call 272
 * (CLONE_NEWNS 0x20000), mount 165 (MS_BIND 0x1000; MS_REC | MS_PRIVATE 0x44000), prctl 157 (PR_CAPBSET_DROP 24,
 * PR_SET_NO_NEW_PRIVS 38, PR_SET_THP_DISABLE 41), setgroups 116, setresgid 119, setresuid 117, capset 126 (version 3:
 * 0x20080522), setsid 112. A QEMU that is a path may be in a folder that is closed to its user, or hidden by a mount: it is opened before.
 */
export const jailScript = `
use strict;
sub done { my ($what, $call, @args) = @_; syscall($call, @args) == 0 or die "cannot $what: $!\n"; }
sub become {
my ($folder, $root, $uid, $gid, $groups, $pages, @command) = @_;
my ($program, $magic);
$command[0] =~ m{/} && open($program, '<', $command[0]) && read $program, $magic, 4;
done('have a mount namespace', 272, 0x20000);
done('make it private', 165, 0, '/', 0, 0x44000, 0);
done("mount $folder", 165, $folder, '${inside.folder}', 0, 0x1000, 0);
done("mount $root", 165, $root, '${inside.root}', 0, 0x1000, 0);
for (0 .. 63) {
  next if syscall(157, 24, $_, 0, 0, 0) == 0;
  $! == 22 or die "cannot drop capability $_: $!\n";
  last; # above the last one that the kernel knows
}
my @groups = split /,/, $groups;
done('set groups', 116, scalar @groups, pack('L*', @groups)) if $groups ne 'keep';
done('set the group', 119, $gid + 0, $gid + 0, $gid + 0);
done('set the user', 117, $uid + 0, $uid + 0, $uid + 0);
done('drop capabilities', 126, pack('LL', 0x20080522, 0), pack('L6', (0) x 6));
done('have no new privileges', 157, 38, 1, 0, 0, 0);
syscall(157, 41, 1, 0, 0, 0) if $pages eq 'small';
exec { $command[0] } @command;
# EACCES, or ENOENT below one of the mounts. A script would be opened once more, by its interpreter.
exec { '/proc/self/fd/' . fileno $program } @command if ($! == 13 || $! == 2) && $magic eq chr(127) . 'ELF';
die "$command[0]: $!\n";
}
sub begin {
my ($output, $pid, $given, @args) = @_;
local $SIG{CHLD} = 'DEFAULT';
open STDERR, '>&', $output or die "stderr: $!\n";
open STDOUT, '>&', $output or die "stdout: $!\n";
close $output;
open STDIN, '<', '/dev/null' or die "/dev/null: $!\n";
my @given = split /,/, $given, -1;
local $^F = 2 + @given; # up to it a file that is opened stays open in QEMU
my @files;
for (@given) {
  open my $file, '<', $_ eq '' ? '/dev/null' : "/proc/$pid/fd/$_" or die "file $_ of hyperd: $!\n";
  push @files, $file;
  fileno $file == 2 + @files or die "file $_ of hyperd has another number\n";
}
$^F = 2;
syscall(112) > 0 or die "cannot have a session: $!\n"; # until here it ends with who starts it
become(@args);
}
become(@ARGV) if @ARGV;
$SIG{CHLD} = 'IGNORE'; # so that the kernel forgets them
$| = 1;
while (read STDIN, my $head, 4) {
  my $wanted = unpack 'L', $head;
  my $text = '';
  read STDIN, $text, $wanted - length $text, length $text or exit while length $text < $wanted;
  my ($pid, $number, @rest) = split /\\0/, $text, -1;
  my $child = open(my $output, '>>', "/proc/$pid/fd/$number") ? fork : undef;
  if (defined $child && $child == 0) { eval { begin($output, $pid, @rest) }; print STDERR $@; exit 1; }
  print defined $child ? $child : $!, "\\0";
}
`;

/**
 * The script's arguments that make it become QEMU without rights, in a mount namespace of its own: the process keeps its pid.
 *
 * @param pages where the guest's memory is a file, huge ones are for QEMU's own: to clear them takes longer than they save,
 *   and they are not filled (docs/performance.md)
 */
export function jailed(
  { user, kvmGroup, rootless, folder, root }: JailOptions,
  command: readonly string[],
  pages: 'huge' | 'small' = 'huge',
): readonly string[] {
  // Of a user namespace the groups cannot be named.
  const groups = kvmGroup === null ? '' : rootless ? 'keep' : String(kvmGroup);
  const { uid, gid } = user;
  return [folder, root, String(uid), String(gid), groups, pages, ...command];
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
