import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { HyperError, type ErrorCode } from '../../src/lib/errors.ts';
import type { Endpoint } from '../../src/network/index.ts';
import type { Requests } from './room-program.ts';

const program = new URL('room-program.ts', import.meta.url).pathname;
const tapGuest = new URL('tap-guest.py', import.meta.url).pathname;

export interface RoomOptions {
  /** What comes before `node`: `ip netns exec NAME`, `setpriv …`. */
  readonly by?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

interface Answer {
  readonly result?: unknown;
  readonly code?: ErrorCode;
  readonly message?: string;
}

/** A process with the network room in it, driven from a test. */
export class Room implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(child: ChildProcess, answers: AsyncIterator<string>) {
    this.child = child;
    this.#answers = answers;
  }

  static async start({ by = [], args = [], env, cwd }: RoomOptions): Promise<Room> {
    const [file = '', ...rest]: readonly string[] = [...by, process.execPath, program, ...args];
    const child = spawn(file, rest, {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
      ...(cwd === undefined ? {} : { cwd }),
    });
    const room = new Room(child, createInterface({ input: child.stdout })[Symbol.asyncIterator]());
    await room.#next();
    return room;
  }

  /** Asks the room; what it throws is thrown here. */
  async call<M extends keyof Requests>(method: M, ...args: Requests[M]): Promise<unknown> {
    const turn = this.#turn.then(async () => {
      this.child.stdin?.write(`${JSON.stringify({ method, args })}\n`);
      return this.#next();
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** A command's output, run where the room is. */
  async run(file: string, ...args: string[]): Promise<string> {
    return String(await this.call('run', file, args));
  }

  async #next(): Promise<unknown> {
    const line = await this.#answers.next();
    if (line.done === true) throw new Error('the room has ended');
    const answer = JSON.parse(line.value) as Answer;
    if (answer.code !== undefined) throw new HyperError(answer.code, answer.message ?? '');
    return answer.result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await stop(this.child, 'SIGTERM');
  }
}

/** Ends a process of ours and waits for its end. */
async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await ended;
}

/** Starts a guest on an endpoint. `by` brings it where the room is. Gives a room inside the guest. */
export async function startGuest(
  endpoint: Endpoint,
  ownerUid: number,
  by: readonly string[],
  overrides: { readonly mac?: string; readonly address?: string; readonly address6?: string } = {},
): Promise<Room & AsyncDisposable> {
  const { tap, prefixLength, gateway, mtu, ipv6 } = endpoint;
  const { mac = endpoint.mac, address = endpoint.address } = overrides;
  const [file = '', ...rest]: readonly string[] = [...by, '/usr/bin/python3', tapGuest, tap, String(ownerUid), mac];
  const of6 = ipv6 && [`${overrides.address6 ?? ipv6.address}/${ipv6.prefixLength}`, ipv6.gateway];
  const child = spawn(file, [...rest, `${address}/${prefixLength}`, gateway, String(mtu), ...(of6 ?? [])], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    child.once('exit', (code) => reject(new Error(`the guest ended with ${String(code)}`)));
  });
  const into = ['nsenter', `--net=/proc/${String(child.pid)}/ns/net`];
  const room = await Room.start({ by: [...by, ...into] });
  const dispose = room[Symbol.asyncDispose].bind(room);
  room[Symbol.asyncDispose] = async () => {
    await dispose();
    await stop(child, 'SIGKILL');
  };
  return room;
}
