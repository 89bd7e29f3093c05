import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { FileHandle } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { HyperError, systemCode } from '../../lib/errors.ts';
import { missingCommand } from '../../lib/run-command.ts';

/** It sends one message. */
const timeoutMs = 10_000;

/**
 * Sends its argument, a line, on the socket that is its descriptor 3, and descriptor 4 with it (unix(7), SCM_RIGHTS). Node
 * cannot send descriptors to who is not Node; perl-base is essential in Debian. The numbers are Linux's on x86-64: sendmsg
 * is call 46, MSG_NOSIGNAL 0x4000; SOL_SOCKET and SCM_RIGHTS are 1; struct cmsghdr has 16 bytes, and is padded to 8;
 * struct msghdr is name, its length, vector, its count, control, its length, flags.
 */
const script = `
use strict;
my $line = "$ARGV[0]\\n";
my $control = pack('Q l l l x4', 20, 1, 1, 4);
my $vector = pack('P Q', $line, length $line);
my $message = pack('Q L x4 P Q P Q l x4', 0, 0, $vector, 1, $control, length $control, 0);
my $sent = syscall(46, 3, $message, 0x4000);
$sent == length $line or die "sendmsg: $!\\n";
`;

/**
 * Sends a line over a unix socket, and an open file with it. Nothing else may be written meanwhile. The socket goes on
 * being read here.
 *
 * @throws HyperError `internal`, `missing_dependency` without perl
 */
export async function passFile(socket: Socket, line: string, file: FileHandle): Promise<void> {
  const child = spawn('perl', ['-e', script, line], {
    ...{ stdio: ['ignore', 'ignore', 'pipe', socket, file.fd], cwd: '/', timeout: timeoutMs },
    env: { PATH: process.env['PATH'] },
  });
  socket.resume(); // spawn has stopped it: it takes what it shares to be the child's
  const closed = once(child, 'close');
  const said = child.stderr instanceof Readable ? text(child.stderr) : Promise.resolve('');
  said.catch(() => undefined); // heard where it is of use
  await closed.catch((error: unknown) => {
    throw systemCode(error) === 'ENOENT' ? missingCommand('perl', error) : error;
  });
  if (child.exitCode !== 0) throw new HyperError('internal', `a file cannot be given to QEMU: ${(await said).trim()}`);
}
