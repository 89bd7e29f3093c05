import { decompressed } from '../../image/index.ts';
import { HyperError } from '../../lib/errors.ts';
import type { EngineOptions } from '../pod-context.ts';
import type { Pods } from '../pods.ts';
import { type Change, readChanges } from './changes.ts';
import { parseContainerPath } from './container-path.ts';
import type { GuestAccess } from './guest-access.ts';
import { runTask, type TaskSpec } from './guest-task.ts';
import { openGuest } from './open-guest.ts';
import { parseStatHead, type PathStat } from './path-stat.ts';

/** A tar that is to be read, to its end or by `return`: until then it holds a guest. */
export interface Archive {
  readonly stat: PathStat;
  readonly bytes: AsyncGenerator<Buffer, void, undefined>;
}

export interface UnpackOptions {
  /** Files keep the owners that the archive says; else they are root's. */
  readonly owners: boolean;
  /** A folder may take the place of what is none, and the other way round. */
  readonly replace: boolean;
}

/** The files of containers, whether they run or not: read and written as tars by the agent in a container's own view. */
export class FileDesk {
  readonly #pods: Pods;
  readonly #options: EngineOptions;
  readonly #closing = new AbortController();

  constructor(pods: Pods, options: EngineOptions) {
    this.#pods = pods;
    this.#options = options;
  }

  /** @param text names a container, or a pod for its first one */
  async stat(text: string, path: string, signal: AbortSignal): Promise<PathStat> {
    const { folder, name, as } = parseContainerPath(path);
    await using guest = await this.#open(text, signal);
    return await headOf(this.#task(guest, { task: 'stat', args: [folder, name] }, signal), as);
  }

  async pack(text: string, path: string, signal: AbortSignal): Promise<Archive> {
    const { folder, name, as } = parseContainerPath(path);
    return await this.#pack(text, [folder, name, as, '0'], signal);
  }

  /** A container's whole root, without what is mounted in it. */
  async exportRoot(text: string, signal: AbortSignal): Promise<Archive> {
    return await this.#pack(text, ['/', '.', '.', '1'], signal);
  }

  /** Unpacks a tar, also one in gzip or zstd, into a folder that is there. */
  async unpack(
    text: string,
    path: string,
    input: AsyncIterable<Uint8Array>,
    { owners, replace }: UnpackOptions,
    signal: AbortSignal,
  ): Promise<void> {
    const { folder, name } = parseContainerPath(path);
    const into = name === '.' ? folder : `${folder === '/' ? '' : folder}/${name}`;
    const args = [into, owners ? '1' : '0', replace ? '1' : '0'];
    await using guest = await this.#open(text, signal);
    await drain(this.#task(guest, { task: 'unpack', args, input: decompressed(input) }, signal));
  }

  /** What is not as in the container's image. */
  async changes(text: string, signal: AbortSignal): Promise<Change[]> {
    await using guest = await this.#open(text, signal);
    const args = [String(guest.container.number)];
    return await readChanges(this.#task(guest, { task: 'changes', args }, signal));
  }

  async #pack(text: string, args: readonly string[], signal: AbortSignal): Promise<Archive> {
    const guest = await this.#open(text, signal);
    const output = this.#task(guest, { task: 'pack', args }, signal);
    const leaving = this.#leaving(signal);
    // A reader that goes before it has read anything, or stands still, would never come to an end.
    const onAbort = (): void => void release().catch(() => undefined); // said by whoever reads
    const release = async (): Promise<void> => {
      leaving.removeEventListener('abort', onAbort); // else the process would keep all of this
      await output.return();
      await guest[Symbol.asyncDispose]();
    };
    leaving.addEventListener('abort', onAbort, { once: true });
    try {
      const { stat, rest } = await splitHead(output, args[2] ?? '');
      return { stat, bytes: releasing(rest, output, release, leaving) };
    } catch (error) {
      await release();
      throw error;
    }
  }

  /** hyperd leaves: what is under way ends, so that no pod is held by it. */
  close(): void {
    this.#closing.abort(new HyperError('cancelled', 'hyperd ended while files were copied: copy them again'));
  }

  #open(text: string, signal: AbortSignal): Promise<GuestAccess> {
    return openGuest(this.#pods.target(text), this.#options, this.#leaving(signal));
  }

  #task({ run, container }: GuestAccess, spec: TaskSpec, signal: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
    return runTask(run, container, spec, this.#leaving(signal));
  }

  /** Who asked has gone, or hyperd goes. */
  #leaving(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#closing.signal]);
  }
}

async function headOf(output: AsyncGenerator<Buffer, void, undefined>, name: string): Promise<PathStat> {
  const { stat } = await splitHead(output, name);
  await drain(output);
  return stat;
}

async function drain(output: AsyncGenerator<Buffer, void, undefined>): Promise<void> {
  for (let next = await output.next(); next.done !== true; next = await output.next());
}

/** What a task says first, and the bytes that came with it. */
async function splitHead(
  output: AsyncGenerator<Buffer, void, undefined>,
  name: string,
): Promise<{ readonly stat: PathStat; readonly rest: Buffer }> {
  let bytes = Buffer.alloc(0);
  for (;;) {
    const next = await output.next();
    if (next.done === true) throw new HyperError('vm_failed', 'the guest has answered nothing: see the log of hyperd');
    bytes = Buffer.concat([bytes, next.value]);
    const head = parseStatHead(bytes, name);
    if (head !== undefined) return { stat: head.stat, rest: bytes.subarray(head.bytes) };
  }
}

async function* releasing(
  first: Buffer,
  output: AsyncGenerator<Buffer, void, undefined>,
  release: () => Promise<void>,
  leaving: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    if (first.length > 0) yield first;
    yield* output;
    leaving.throwIfAborted(); // it was released: that is no good end
  } finally {
    await release();
  }
}
