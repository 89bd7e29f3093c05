import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { RunnerAnswer, RunnerRequest } from './command-runner.ts';
import { repository } from './repository.ts';
import { type Command, type CommandEnd, timeCommand } from './time-command.ts';

export type Timed = Omit<CommandEnd, 'exitCode'>;

const text = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString('utf8').trim();
export const stdoutText = ({ stdout }: Timed): string => text(stdout);
export const stderrText = ({ stderr }: Timed): string => text(stderr);

type Environment = Readonly<Record<string, string>>;

/**
 * Runs a program to its end, its output into pipes; fails when it does. A small process spawns it: the bench's own memory
 * would make each spawn longer, by 20 ms for 300 MB.
 */
export async function runTimed(file: string, args: readonly string[], env: Environment = {}): Promise<Timed> {
  return successOf({ file, args }, await Runner.the().run(commandOf(file, args, env)));
}

/** The same from this process: for what writes much. */
export async function runHere(file: string, args: readonly string[], env: Environment = {}): Promise<Timed> {
  return successOf({ file, args }, await timeCommand(commandOf(file, args, env)));
}

const commandOf = (file: string, args: readonly string[], env: Environment): Command => ({
  ...{ file, args },
  env: { ...process.env, ...env },
});

function successOf({ file, args }: Omit<Command, 'env'>, end: CommandEnd): Timed {
  if (end.exitCode !== 0) throw new Error(`${file} ${args.join(' ')}: exit ${end.exitCode}: ${text(end.stderr)}`);
  return end;
}

class Runner {
  static #the: Runner | undefined;
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<CommandEnd>>();
  #lastId = 0;

  private constructor() {
    this.#process = fork(join(repository, 'bench/command-runner.ts'), { serialization: 'advanced' });
    this.#process.on('message', (answer: RunnerAnswer) => {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if ('end' in answer) waiting?.resolve(answer.end);
      else waiting?.reject(new Error(answer.error));
      this.#hold();
    });
    this.#process.on('error', () => undefined); // its end tells
    this.#process.on('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the process that runs commands has ended'));
      this.#waiting.clear();
      Runner.#the = undefined;
    });
  }

  static the(): Runner {
    return (Runner.#the ??= new Runner());
  }

  run(command: Command): Promise<CommandEnd> {
    const request: RunnerRequest = { id: ++this.#lastId, command };
    const waiting = Promise.withResolvers<CommandEnd>();
    this.#waiting.set(request.id, waiting);
    this.#hold();
    this.#process.send(request);
    return waiting.promise;
  }

  /** It keeps the bench from ending while it has something to do. */
  #hold(): void {
    const act = this.#waiting.size > 0 ? 'ref' : 'unref';
    this.#process[act]();
    this.#process.channel?.[act]();
  }
}
