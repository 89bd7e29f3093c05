import { spawn as spawnPty } from '@lydell/node-pty';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import type { CliBuild } from './cli-builds.ts';

const limitMs = 60_000;

export interface CliResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export type Env = Readonly<Record<string, string>>;

export function spawnCli(
  build: CliBuild,
  args: readonly string[],
  env: Env,
  user: { readonly uid?: number; readonly gid?: number } = {},
): ChildProcessWithoutNullStreams {
  const [program, ...first] = build.command;
  return spawn(program, [...first, ...args], {
    env: { PATH: process.env.PATH, HOME: '/nonexistent', HYPER_AUTOSTART: '0', ...env },
    ...user,
  });
}

/** Runs the CLI with pipes. @param input its stdin; undefined: empty. */
export async function runCli(
  build: CliBuild,
  args: readonly string[],
  env: Env,
  input: Buffer | string = '',
): Promise<CliResult> {
  const child = spawnCli(build, args, env);
  const result = collectResult(child);
  child.stdin.on('error', () => undefined); // it need not read all
  child.stdin.end(input);
  return result;
}

export async function collectResult(child: ChildProcessWithoutNullStreams): Promise<CliResult> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
  await once(child, 'close');
  clearTimeout(timer);
  return {
    code: child.exitCode,
    signal: child.signalCode,
    stdout: Buffer.concat(stdout),
    stderr: Buffer.concat(stderr).toString(),
  };
}

/** A terminal with a shell line in it, to see what it looks like from outside. */
export class CliTerminal implements Disposable {
  output = '';
  readonly exit: Promise<number>;
  readonly #pty: ReturnType<typeof spawnPty>;
  readonly #changed = new EventTarget();

  constructor(shellLine: string, env: Env) {
    this.#pty = spawnPty('/bin/sh', ['-c', shellLine], {
      cols: 80,
      rows: 24,
      env: { PATH: process.env.PATH ?? '', HOME: '/nonexistent', HYPER_AUTOSTART: '0', ...env },
    });
    this.#pty.onData((data) => {
      this.output += data;
      this.#changed.dispatchEvent(new Event('data'));
    });
    this.exit = new Promise((resolve) => this.#pty.onExit(({ exitCode }) => resolve(exitCode)));
  }

  type(keys: string): void {
    this.#pty.write(keys);
  }

  resize(cols: number, rows: number): void {
    this.#pty.resize(cols, rows);
  }

  /** Resolves when the output has the text, and gives the output. */
  async see(text: string | RegExp): Promise<string> {
    const deadline = AbortSignal.timeout(limitMs);
    while (typeof text === 'string' ? !this.output.includes(text) : !text.test(this.output)) {
      if (deadline.aborted) throw new Error(`no ${text.toString()} in: ${JSON.stringify(this.output)}`);
      await new Promise<void>((resolve) => {
        this.#changed.addEventListener('data', () => resolve(), { once: true });
        deadline.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    return this.output;
  }

  [Symbol.dispose](): void {
    this.#pty.kill('SIGKILL');
  }
}

/** A build's command as a shell writes it. */
export const shellCommand = (build: CliBuild): string => build.command.map((word) => `'${word}'`).join(' ');
