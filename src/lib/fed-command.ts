import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { Socket } from 'node:net';
import { throwIfCancelled } from './cancellation.ts';
import { HyperError } from './errors.ts';
import { Mutex } from './mutex.ts';
import { commandFailure, missingCommand } from './run-command.ts';

/** As runCommand's. */
const timeoutMs = 30_000;
/** Of what a command complains of: a few thousand lines. */
const mostBytes = 256 << 10;
/** sh says so where it does not find a command. */
const notFound = 127;

interface Shell {
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
  readonly stdin: Socket;
  readonly stdout: Socket;
  readonly path: string | undefined;
  /** Ends its input. */
  readonly mark: string;
}

/**
 * A command that reads its input and prints nothing, run by a small shell that stays. To start a program, a process copies
 * its page tables: hyperd stands still for 4 ms, a shell for 0.3. Runs take turns.
 */
export class FedCommand {
  readonly #file: string;
  readonly #args: readonly string[];
  readonly #turns = new Mutex();
  #shell: Shell | undefined;

  constructor(file: string, args: readonly string[]) {
    this.#file = file;
    this.#args = args;
  }

  /** @throws HyperError as runCommand does; `cancelled` only before it has begun, for then its end is near */
  async run(input: string, signal?: AbortSignal): Promise<void> {
    await this.#turns.run(async () => {
      if (signal !== undefined) throwIfCancelled(signal);
      const path = process.env['PATH'];
      if (this.#shell?.path !== path) this.#end();
      this.#shell ??= this.#start(path);
      const [code, said] = await this.#ask(this.#shell, input);
      if (code === notFound) throw missingCommand(this.#file);
      if (code !== 0) throw commandFailure(this.#file, code, said);
    });
  }

  #start(path: string | undefined): Shell {
    // In a group of its own: a terminal's Ctrl-C is for hyperd, and what hangs is ended with its shell.
    const child = spawn('/bin/sh', ['-s', '--', this.#file, ...this.#args], {
      ...{ detached: true, stdio: ['pipe', 'pipe', 'ignore'], cwd: '/' },
      env: { ...process.env, LC_ALL: 'C' },
    });
    const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()).on('error', () => resolve()));
    const { stdin, stdout } = child;
    if (!(stdin instanceof Socket) || !(stdout instanceof Socket)) throw new HyperError('internal', 'sh has no pipes');
    for (const each of [child, stdin, stdout]) each.unref(); // a turn's deadline holds the process, as long as it lasts
    void ended.then(() => {
      if (this.#shell?.child === child) this.#shell = undefined;
    });
    stdin.on('error', () => undefined); // its end says it
    stdout.setEncoding('utf8');
    return { child, ended, stdin, stdout, path, mark: `end-${randomBytes(12).toString('hex')}` };
  }

  async #ask({ ended, stdin, stdout, mark }: Shell, input: string): Promise<readonly [code: number, said: string]> {
    const answer = Promise.withResolvers<string>();
    let text = '';
    const onData = (piece: string): void => {
      text += piece;
      if (text.endsWith('\0')) answer.resolve(text.slice(0, -1));
    };
    const deadline = setTimeout(() => {
      answer.reject(new HyperError('timeout', `${this.#file} has not ended after ${timeoutMs} ms`));
    }, timeoutMs);
    stdout.on('data', onData);
    try {
      stdin.write(`said=$("$@" <<'${mark}' 2>&1 >/dev/null\n${input}\n${mark}\n)\n`);
      stdin.write(`printf '%s %.${mostBytes}s\\0' $? "$said"\n`);
      const all = await Promise.race([answer.promise, ended]);
      if (all === undefined) throw new HyperError('internal', `the shell that runs ${this.#file} has ended`);
      const [code = '', ...said] = all.split(' ');
      return [Number(code), said.join(' ')];
    } catch (error) {
      this.#end();
      throw error;
    } finally {
      clearTimeout(deadline);
      stdout.off('data', onData);
    }
  }

  #end(): void {
    const pid = this.#shell?.child.pid;
    this.#shell = undefined;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // it has ended
    }
  }
}
