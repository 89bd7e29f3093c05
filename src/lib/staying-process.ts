import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { throwIfCancelled } from './cancellation.ts';
import { HyperError, systemCode } from './errors.ts';
import { Mutex } from './mutex.ts';
import { missingCommand } from './run-command.ts';

/** As runCommand's. */
const timeoutMs = 30_000;

export interface StayingProcessOptions {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: () => NodeJS.ProcessEnv;
  /** What it is called where it fails: `the shell that runs nft`. */
  readonly name: string;
}

interface Running {
  readonly child: ChildProcess;
  readonly stdin: Socket;
  readonly stdout: Socket;
  readonly path: string | undefined;
}

/**
 * A small process that stays and starts others for us: it reads what to do from its stdin, and answers on its stdout with a
 * text that ends with a zero byte, one after the other. To start a program, a process copies its page tables: hyperd stands
 * still for 4 ms, a small one for 0.3. It is started when it is first asked, again where it has ended or PATH has changed,
 * and ends with us.
 */
export class StayingProcess implements Disposable {
  readonly #options: StayingProcessOptions;
  readonly #turns = new Mutex();
  #running: Running | undefined;

  constructor(options: StayingProcessOptions) {
    this.#options = options;
  }

  /** @throws HyperError `missing_dependency`, `timeout`, `internal` where it has ended; `cancelled` only before its turn, for then its end is near */
  async ask(question: string | Buffer, signal?: AbortSignal): Promise<string> {
    return await this.#turns.run(async () => {
      if (signal !== undefined) throwIfCancelled(signal);
      const path = process.env['PATH'];
      if (this.#running?.path !== path) this[Symbol.dispose]();
      this.#running ??= this.#start(path);
      return await this.#ask(this.#running, question);
    });
  }

  #start(path: string | undefined): Running {
    const { file, args, env, name } = this.#options;
    // In a group of its own: a terminal's Ctrl-C is for hyperd, and what hangs is ended with it.
    const child = spawn(file, args, { detached: true, stdio: ['pipe', 'pipe', 'ignore'], cwd: '/', env: env() });
    const onEnd = (): void => {
      if (this.#running?.child === child) this.#running = undefined;
    };
    child.on('exit', onEnd).on('error', onEnd);
    const { stdin, stdout } = child;
    if (!(stdin instanceof Socket) || !(stdout instanceof Socket))
      throw new HyperError('internal', `${name}: no pipes`);
    for (const each of [child, stdin, stdout]) each.unref(); // a turn's deadline holds the process, as long as it lasts
    stdin.on('error', () => undefined); // its end says it
    stdout.on('error', () => undefined);
    stdout.setEncoding('utf8');
    return { child, stdin, stdout, path };
  }

  /** Ends it; who asks again has another. */
  [Symbol.dispose](): void {
    if (this.#running !== undefined) this.#end(this.#running);
  }

  async #ask(running: Running, question: string | Buffer): Promise<string> {
    const { child, stdin, stdout } = running;
    const { file, name } = this.#options;
    const answer = Promise.withResolvers<string>();
    let text = '';
    const onData = (piece: string): void => {
      text += piece;
      if (text.endsWith('\0')) answer.resolve(text.slice(0, -1));
    };
    const deadline = setTimeout(() => {
      answer.reject(new HyperError('timeout', `${name} has not answered after ${timeoutMs} ms`));
    }, timeoutMs);
    const onError = (error: Error): void => {
      const missing = systemCode(error) === 'ENOENT';
      answer.reject(missing ? missingCommand(file, error) : hasEnded(name, error));
    };
    const onExit = (): void => answer.reject(hasEnded(name));
    stdout.on('data', onData);
    child.on('error', onError).on('exit', onExit);
    try {
      stdin.write(question);
      return await answer.promise;
    } catch (error) {
      this.#end(running);
      throw error;
    } finally {
      clearTimeout(deadline);
      stdout.off('data', onData);
      child.off('error', onError).off('exit', onExit);
    }
  }

  /** With what it has started, where it has ended itself too. */
  #end(running: Running): void {
    if (this.#running === running) this.#running = undefined;
    const { pid } = running.child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // all of it has ended
    }
  }
}

function hasEnded(name: string, cause?: Error): HyperError {
  return new HyperError('internal', `${name} has ended`, { cause });
}
