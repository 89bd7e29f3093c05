import { HyperError } from '../../lib/errors.ts';

export interface HostMemoryOptions {
  /** What all VMs together may come to need. */
  readonly maxMiB: number;
  /** What happens to a start that would need more. */
  readonly whenFull: 'wait' | 'refuse';
}

/**
 * What a VM needs at most beside its guest's memory: QEMU itself and, under emulation, its translated code (64 MiB)
 * (docs/performance.md, Memory).
 */
export const overheadMiB = 112;

interface Waiting {
  readonly id: string;
  readonly needMiB: number;
  readonly admit: () => void;
}

/** Keeps what VMs may come to need below what the host can give, so that a burst of starts ends in no out-of-memory kill. */
export class HostMemory {
  readonly #options: HostMemoryOptions;
  readonly #reserved = new Map<string, number>();
  readonly #waiting = new Set<Waiting>();

  constructor(options: HostMemoryOptions) {
    this.#options = options;
  }

  get reservedMiB(): number {
    return [...this.#reserved.values()].reduce((sum, each) => sum + each, 0);
  }

  get maxMiB(): number {
    return this.#options.maxMiB;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Whether a VM would fit now, with nobody waiting before it. */
  hasRoom(memoryMiB: number): boolean {
    return this.#waiting.size === 0 && this.#fits(memoryMiB + overheadMiB);
  }

  /** Reserves what a VM may come to need if there is room now: for what nobody waits for, and nobody has to wait behind. */
  tryReserve(id: string, memoryMiB: number): boolean {
    if (!this.hasRoom(memoryMiB)) return false;
    this.#reserved.set(id, memoryMiB + overheadMiB);
    return true;
  }

  /** Whether it could ever have room. */
  canFit(memoryMiB: number): boolean {
    return memoryMiB + overheadMiB <= this.#options.maxMiB;
  }

  /** A VM that runs already, whatever is left. */
  adopt(id: string, memoryMiB: number): void {
    this.#reserved.set(id, memoryMiB + overheadMiB);
  }

  /**
   * Reserves what a VM may come to need, in the order of the calls.
   *
   * @throws HyperError `no_memory` where it can never fit, or where full hosts refuse; `cancelled`.
   */
  async reserve(id: string, memoryMiB: number, signal: AbortSignal): Promise<void> {
    const { maxMiB, whenFull } = this.#options;
    const needMiB = memoryMiB + overheadMiB;
    if (!this.canFit(memoryMiB)) {
      throw new HyperError(
        'no_memory',
        `a VM of ${memoryMiB} MiB needs up to ${needMiB} MiB and VMs may have ${maxMiB}: give it less with --memory, or raise "memory.maxMiB"`,
      );
    }
    if (this.tryReserve(id, memoryMiB)) return;
    if (whenFull === 'refuse') {
      throw new HyperError(
        'no_memory',
        `the host is full: VMs have ${this.reservedMiB} of ${maxMiB} MiB and this one needs ${needMiB}: stop a pod, give it less with --memory, or set "memory.whenFull" to "wait"`,
      );
    }
    await this.#wait(id, needMiB, signal);
  }

  release(id: string): void {
    this.#reserved.delete(id);
    this.#admit();
  }

  #admit(): void {
    for (const each of this.#waiting) {
      if (!this.#fits(each.needMiB)) break; // the first in line is not overtaken
      this.#waiting.delete(each);
      this.#reserved.set(each.id, each.needMiB);
      each.admit();
    }
  }

  #fits(needMiB: number): boolean {
    return this.reservedMiB + needMiB <= this.#options.maxMiB;
  }

  async #wait(id: string, needMiB: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting: Waiting = { id, needMiB, admit: resolve };
    const giveUp = (): void => {
      this.#waiting.delete(waiting);
      this.#admit(); // those behind it may fit
      reject(new HyperError('cancelled', 'the start was cancelled while the host was full', { cause: signal.reason }));
    };
    this.#waiting.add(waiting);
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }
}
