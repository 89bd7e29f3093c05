import { spawn } from 'node:child_process';
import { basename } from 'node:path';
import { HyperError, systemCode } from './errors.ts';

export interface CommandOptions {
  readonly signal?: AbortSignal;
  /** Written to the command's stdin, which is then closed; without it stdin is /dev/null. */
  readonly input?: string | Uint8Array;
  /** The command is killed after this long; default 30 s. */
  readonly timeoutMs?: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

export interface CommandOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/** More than any tool of ours prints; what is above it is a defect, not output. */
const maxOutputBytes = 16 << 20;

/** The Debian package of each tool that we call: what to install is part of the message. */
const packageOf: Readonly<Record<string, string>> = {
  bridge: 'iproute2',
  dpkg: 'dpkg',
  'dpkg-deb': 'dpkg',
  'dpkg-query': 'dpkg',
  fallocate: 'util-linux',
  flock: 'util-linux',
  ip: 'iproute2',
  'mkfs.ext4': 'e2fsprogs',
  newuidmap: 'uidmap',
  nft: 'nftables',
  nsenter: 'util-linux',
  pasta: 'passt',
  'qemu-img': 'qemu-utils',
  'qemu-system-x86_64': 'qemu-system-x86',
  setpriv: 'util-linux',
  slirp4netns: 'slirp4netns',
  tc: 'iproute2',
  unshare: 'util-linux',
  virtiofsd: 'virtiofsd',
};

/** The Debian package that brings a tool, or the tool's own name. */
export function packageOfCommand(file: string): string {
  const name = basename(file);
  return packageOf[name] ?? name;
}

/** What to throw when a command has failed: with this exit code, or killed by this signal. */
export function commandFailure(file: string, end: number | string, stderr: string): HyperError {
  const how = typeof end === 'number' ? `exit code ${end}` : `killed by ${end}`;
  const said = stderr.trim();
  return new HyperError('internal', `${file} failed (${how})${said === '' ? '' : `: ${said}`}`);
}

/** What to throw when spawn reports that a program is not there. */
export function missingCommand(file: string, cause?: unknown): HyperError {
  const what = `${file} is not installed: install the package '${packageOfCommand(file)}'`;
  return new HyperError('missing_dependency', what, { cause });
}

/**
 * Runs a command to its end and collects its output.
 *
 * @throws HyperError `missing_dependency` when it is not installed, `timeout`, `cancelled`, else `internal` with
 *   what the command said on stderr.
 */
export async function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandOutput> {
  const { signal, input, timeoutMs = 30_000, env, cwd } = options;
  if (signal?.aborted === true) throw new HyperError('cancelled', `${file}: cancelled`, { cause: signal.reason });
  const deadline = AbortSignal.timeout(timeoutMs);
  const child = spawn(file, args, {
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
    killSignal: 'SIGKILL',
    ...(env === undefined ? {} : { env }),
    ...(cwd === undefined ? {} : { cwd }),
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  let received = 0;
  const collect = (into: Buffer[]) => (chunk: Buffer) => {
    received += chunk.length;
    if (received > maxOutputBytes) child.kill('SIGKILL');
    else into.push(chunk);
  };
  child.stdout?.on('data', collect(stdout));
  child.stderr?.on('data', collect(stderr));
  // A command that ends before it has read its input is judged by its exit code, not by EPIPE.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input);

  const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString('utf8');
  return new Promise<CommandOutput>((resolve, reject) => {
    child.on('error', (error) => {
      if (systemCode(error) === 'ENOENT') reject(missingCommand(file, error));
      else if (signal?.aborted === true) {
        reject(new HyperError('cancelled', `${file}: cancelled`, { cause: signal.reason }));
      } else if (deadline.aborted) {
        reject(new HyperError('timeout', `${file} has not ended after ${timeoutMs} ms`, { cause: error }));
      } else reject(new HyperError('internal', `${file}: ${error.message}`, { cause: error }));
    });
    child.on('close', (code, killedBy) => {
      if (received > maxOutputBytes) {
        reject(new HyperError('internal', `${file} printed more than ${maxOutputBytes} bytes`));
      } else if (code === 0) resolve({ stdout: text(stdout), stderr: text(stderr) });
      else reject(commandFailure(file, code ?? String(killedBy), text(stderr)));
    });
  });
}
