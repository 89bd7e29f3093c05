import type { StdinWriter, Task } from '../../guest/index.ts';
import { HyperError } from '../../lib/errors.ts';
import { signalNumber } from '../../lib/signals.ts';
import type { ContainerRecord } from '../../store/index.ts';
import { defaultCapabilities } from '../capabilities.ts';
import type { PodRun } from '../pod-run.ts';
import { ProcessOutput } from '../process-output.ts';
import { startFailure } from '../start-failure.ts';
import { endsWithin } from '../ends-within.ts';
import { taskFailure } from './task-failure.ts';

export interface TaskSpec {
  readonly task: Task;
  readonly args: readonly string[];
  /** What it reads; it is read no faster than the guest takes it. */
  readonly input?: AsyncIterable<Uint8Array>;
}

interface Piece {
  readonly bytes: Buffer;
  /** Lets the guest go on. */
  readonly taken: () => void;
}

/** How long one that reads has to clean up, before it is killed. */
const cleanUpMs = 2000;
/** More of its words are not kept: they come from a guest. */
const mostMessageBytes = 4096;

/**
 * Does a task of the agent's in a container and yields what it writes, no faster than that is taken. Where it is not read to
 * its end, or the signal is aborted, the task is ended.
 *
 * @throws HyperError what the task has failed with, after what it has written; `vm_failed` where its VM goes
 */
export async function* runTask(
  run: PodRun,
  container: ContainerRecord,
  spec: TaskSpec,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  signal.throwIfAborted();
  const { agent } = run;
  const process = run.nextProcess();
  const pieces: Piece[] = [];
  let message = '';
  let wake = Promise.withResolvers<void>();
  const output = new ProcessOutput(agent, process, false, [
    (stream, bytes) => {
      if (stream === 2) {
        if (message.length < mostMessageBytes) message += bytes.toString('utf8');
        return undefined;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      pieces.push({ bytes, taken: resolve });
      wake.resolve();
      return promise;
    },
  ]);
  const exit = run.processExit(process, output);
  const end = { came: false };
  const onEnd = (): void => {
    end.came = true;
    wake.resolve();
  };
  exit.then((event) => {
    run.stored(event); // in memory only, as all of it; also where nobody reads on
    onEnd();
  }, onEnd);
  try {
    await agent.startProcess({ process, ...setupOf(container, spec) });
  } catch (error) {
    run.forgetProcess(process);
    throw startFailure(error);
  }
  const kill = (): void => {
    // One that reads cleans up when what it reads breaks off.
    if (spec.input !== undefined) agent.taskInput(process).end();
    const ended = spec.input === undefined ? Promise.resolve(false) : endsWithin(exit, cleanUpMs);
    ended.then((itself) => (itself ? undefined : agent.signal(process, signalNumber('KILL')))).catch(() => undefined); // it has ended by itself
  };
  signal.addEventListener('abort', kill, { once: true });
  const input: InputState = { over: () => end.came };
  if (spec.input !== undefined)
    void send(spec.input, agent.taskInput(process), input).then(() => input.failure && kill());
  try {
    for (;;) {
      for (let piece = pieces.shift(); piece !== undefined; piece = pieces.shift()) {
        yield piece.bytes;
        piece.taken();
      }
      if (end.came) break;
      await wake.promise;
      wake = Promise.withResolvers<void>();
    }
    const event = await exit;
    signal.throwIfAborted();
    if (input.failure !== undefined) throw input.failure;
    if (event.exitCode !== 0) throw taskFailure(event, message, container);
  } finally {
    signal.removeEventListener('abort', kill);
    if (!end.came) {
      kill();
      for (const { taken } of pieces) taken();
    }
  }
}

interface InputState {
  /** The task has ended: it may not have wanted all. */
  readonly over: () => boolean;
  /** Why not all of the input could be sent. */
  failure?: HyperError;
}

async function send(input: AsyncIterable<Uint8Array>, stdin: StdinWriter, state: InputState): Promise<void> {
  try {
    // Not `for await`: to leave it would destroy a request whose answer is still to be sent.
    const chunks = input[Symbol.asyncIterator]();
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
      if (state.over()) return;
      const { buffer, byteOffset, length } = next.value;
      await stdin.write(Buffer.from(buffer, byteOffset, length));
    }
    stdin.end();
  } catch (error) {
    const why = 'the archive broke off: what came of it before is there';
    state.failure = error instanceof HyperError ? error : new HyperError('cancelled', why, { cause: error });
  }
}

function setupOf({ number }: ContainerRecord, { task, args, input }: TaskSpec) {
  // What has changed is seen in the guest's own view, by what it keeps below the container's.
  const inGuest = task === 'changes';
  return {
    container: inGuest ? 0 : number,
    ...(inGuest ? {} : { capabilities: defaultCapabilities }),
    ...{ task, args, env: [], tty: false, rlimits: [], stdin: input !== undefined },
  };
}
