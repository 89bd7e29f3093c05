import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { HyperError } from '../../lib/errors.ts';
import { missingCommand } from '../../lib/run-command.ts';

/** A second for each GiB and more than enough besides. */
const timeoutMs = 60_000;

/**
 * Copies descriptor 3 to a memfd without its holes and zeros, adds the seals that its argument says, says its
 * number and keeps it until stdin ends. Node can neither make a memfd nor seal one; perl-base is essential in Debian. The
 * numbers are Linux's on x86-64: memfd_create is call 319, MFD_CLOEXEC | MFD_ALLOW_SEALING is 3, F_ADD_SEALS is 1033,
 * SHRINK | GROW | WRITE and SEAL itself are 15, none is 0; SEEK_DATA is 3, SEEK_HOLE is 4; sendfile is
 * call 40.
 */
const script = `
use strict;
open(my $from, '<&=', 3) or die "$!\\n";
my $size = -s $from;
my $name = 'hyper-template';
my $number = syscall(319, $name, 3);
$number >= 0 or die "memfd_create: $!\\n";
open(my $to, '+<&=', $number) or die "$!\\n";
truncate($to, $size) or die "$!\\n";
my $seals = 0 + $ARGV[0];
my $chunk = 1 << 16;
my $zeros = "\\0" x $chunk;
for (my $at = 0; $at < $size;) {
  my $data = sysseek($from, $at, 3) or last; # only a hole is left
  my $end = sysseek($from, $data, 4) or die "$!\\n";
  sysseek($from, $data, 0) or die "$!\\n";
  $at = $data + 0;
  # The kernel copies what is wanted at once; holes that are only zeros are looked for where it is done once for many.
  while ($seals == 0 && $at < $end) {
    sysseek($to, $at, 0) or die "$!\\n";
    my $sent = syscall(40, $number, 3, 0, $end - $at);
    $sent > 0 or die "sendfile: $!\\n";
    $at += $sent;
  }
  while ($at < $end) {
    my $want = $end - $at < $chunk ? $end - $at : $chunk;
    my $got = sysread($from, my $bytes, $want);
    $got or die "read: $!\\n";
    if ($bytes ne substr($zeros, 0, $got)) {
      sysseek($to, $at, 0) or die "$!\\n";
      my $wrote = syswrite($to, $bytes);
      defined($wrote) && $wrote == $got or die "write: $!\\n";
    }
    $at += $got;
  }
}
$seals == 0 or fcntl($to, 1033, $seals) or die "F_ADD_SEALS: $!\\n";
$| = 1;
print "$number\\n";
<STDIN>;
`;

/**
 * Puts a file's bytes into memory that nobody can write any more, whatever it is opened for: QEMU before 8.2 opens its
 * memory for writing, and what one clone could write all others would see.
 *
 * @param file is read from where it stands
 * @throws HyperError `no_memory` or `internal` with what went wrong, `missing_dependency` without perl.
 */
export async function sealedCopy(file: FileHandle): Promise<FileHandle> {
  return await copyToMemory(file, 15);
}

/**
 * The same for one VM alone, which may write it, as may those whom it shares its memory with.
 *
 * @throws as above
 */
export async function privateCopy(file: FileHandle): Promise<FileHandle> {
  return await copyToMemory(file, 0);
}

async function copyToMemory(file: FileHandle, seals: number): Promise<FileHandle> {
  const signal = AbortSignal.timeout(timeoutMs);
  const child = spawn('perl', ['-e', script, String(seals)], {
    stdio: ['pipe', 'pipe', 'pipe', file.fd],
    signal,
    cwd: '/',
  });
  const ended = once(child, 'close');
  ended.catch(() => undefined); // heard below
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new HyperError('internal', 'perl has no pipes');
  const said: Buffer[] = [];
  stderr.on('data', (chunk: Buffer) => said.push(chunk));
  stdin.on('error', () => undefined); // it ended by itself: its exit says why
  const number = Promise.withResolvers<string>();
  createInterface({ input: stdout }).once('line', number.resolve);
  try {
    const line = await Promise.race([number.promise, ended.then(() => undefined)]);
    if (line === undefined) throw failure(Buffer.concat(said).toString('utf8').trim());
    // Ours as well from here on: the memfd lives as long as a descriptor of it.
    return await open(`/proc/${child.pid}/fd/${line}`, 'r+');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') throw missingCommand('perl', error);
    throw error;
  } finally {
    stdin.end();
    await ended.catch(() => undefined);
  }
}

function failure(said: string): HyperError {
  const full = /cannot allocate|no space/i.test(said);
  return new HyperError(full ? 'no_memory' : 'internal', `a template's memory cannot be sealed: ${said}`);
}
