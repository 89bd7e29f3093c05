import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import { HyperError } from './errors.ts';
import { commandFailure, missingCommand } from './run-command.ts';

/** As runCommand's. */
const timeoutMs = 30_000;
/** Of what a command complains of; below what a pipe takes at once. */
const mostBytes = 2000;
/** sh says so where it does not find a command. */
const notFound = 127;

interface Turn {
  readonly resolve: () => void;
  readonly reject: (error: HyperError) => void;
}

/** A shell that runs one command again and again, each time with another input. */
class FeedingShell {
  readonly #file: string;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #turns: Turn[] = [];
  readonly #mark = `end-${randomBytes(12).toString('hex')}`;
  readonly #command: string;
  #said = '';
  ended = false;

  constructor(file: string, args: readonly string[]) {
    this.#file = file;
    this.#command = [file, ...args].map(quoted).join(' ');
    const env = { ...process.env, LC_ALL: 'C' };
    this.#child = spawn('/bin/sh', [], { stdio: ['pipe', 'pipe', 'ignore'], cwd: '/', env });
    this.#child.on('error', (error) => this.#end(missingCommand('/bin/sh', error)));
    this.#child.on('close', () => this.#end(new HyperError('internal', `the shell that runs ${file} has ended`)));
    this.#child.stdin.on('error', () => undefined); // it has ended, and says so
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => this.#hear(text));
    this.#hold(false);
  }

  async run(input: string): Promise<void> {
    const timer = setTimeout(() => {
      this.#child.kill('SIGKILL');
      this.#end(new HyperError('timeout', `${this.#file} has not ended after ${timeoutMs} ms`));
    }, timeoutMs);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#turns.push({ resolve, reject });
        this.#hold(true);
        this.#child.stdin.write(
          `said=$(PATH=${quoted(process.env['PATH'] ?? '')} ${this.#command} <<'${this.#mark}' 2>&1 >/dev/null\n${input}\n${this.#mark}\n)\n` +
            `printf '%s %.${mostBytes}s\\0' $? "$said"\n`,
        );
      });
    } finally {
      clearTimeout(timer);
    }
  }

  #hear(text: string): void {
    const [rest = '', ...answers] = `${this.#said}${text}`.split('\0').toReversed();
    this.#said = rest;
    for (const answer of answers.toReversed()) {
      const at = answer.indexOf(' ');
      this.#answer(this.#turns.shift(), Number(answer.slice(0, at)), answer.slice(at + 1));
    }
    if (this.#turns.length === 0) this.#hold(false);
  }

  #answer(turn: Turn | undefined, code: number, said: string): void {
    if (code === 0) turn?.resolve();
    else turn?.reject(code === notFound ? missingCommand(this.#file) : commandFailure(this.#file, code, said));
  }

  /** While nothing is asked of it, it does not hold the process. */
  #hold(held: boolean): void {
    for (const each of [this.#child, this.#child.stdin, this.#child.stdout]) {
      if (!('ref' in each) || !('unref' in each)) continue;
      if (typeof each.ref === 'function' && held) each.ref();
      if (typeof each.unref === 'function' && !held) each.unref();
    }
  }

  #end(reason: HyperError): void {
    this.ended = true;
    for (const { reject } of this.#turns.splice(0)) reject(reason);
  }
}

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** One for each command line: their commands take turns, for the kernel has them take turns as well. */
const shells = new Map<string, FeedingShell>();

/**
 * Runs a command that reads its input and prints nothing, by a small shell that stays. To start a program, a process copies
 * its page tables: hyperd stands still for 4 ms, a shell for 0.3.
 *
 * @throws HyperError as runCommand does; when cancelled, after the command's end
 */
export async function runFed(
  file: string,
  args: readonly string[],
  input: string,
  signal?: AbortSignal,
): Promise<void> {
  throwIfGone(file, signal);
  const key = JSON.stringify([file, ...args]);
  let shell = shells.get(key);
  if (shell === undefined || shell.ended) {
    shell = new FeedingShell(file, args);
    shells.set(key, shell);
  }
  await shell.run(input);
  throwIfGone(file, signal);
}

function throwIfGone(file: string, signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new HyperError('cancelled', `${file}: cancelled`, { cause: signal.reason });
}
