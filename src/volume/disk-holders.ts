import { HyperError } from '../lib/errors.ts';
import { unlessAborted } from '../lib/unless-aborted.ts';

interface Holder {
  readonly id: string;
  readonly name: string;
  readonly gone: PromiseWithResolvers<void>;
  ending: boolean;
}

/** Which pod has a disk: two kernels that write one ext4 destroy it. */
export class DiskHolders {
  readonly #holders = new Map<string, Holder>();

  /**
   * Gives a disk to a pod, when one that has ended and whose VM still goes has let it go.
   *
   * @throws HyperError `conflict` when another pod runs with it
   */
  async hold(
    disk: string,
    { id, name }: { readonly id: string; readonly name: string },
    signal: AbortSignal,
  ): Promise<void> {
    await unlessAborted(this.#whileEnding(disk, id), signal);
    const holder = this.#holders.get(disk);
    if (holder !== undefined && holder.id !== id) {
      throw new HyperError(
        'conflict',
        `volume ${disk} is a disk and pod ${holder.name} has it: stop that pod, or take a volume without type=disk`,
      );
    }
    this.#holders.set(disk, { id, name, gone: holder?.gone ?? Promise.withResolvers<void>(), ending: false });
  }

  /** Resolves when no VM of a pod that has ended has it any more. */
  async free(disk: string): Promise<void> {
    await this.#whileEnding(disk, '');
  }

  /** The pod has ended: its VM is being taken apart. */
  ending(podId: string): void {
    for (const holder of this.#holders.values()) if (holder.id === podId) holder.ending = true;
  }

  /** The pod's VM has gone. */
  letGo(podId: string): void {
    for (const [disk, holder] of this.#holders) {
      if (holder.id !== podId) continue;
      this.#holders.delete(disk);
      holder.gone.resolve();
    }
  }

  async #whileEnding(disk: string, id: string): Promise<void> {
    for (;;) {
      const holder = this.#holders.get(disk);
      if (holder === undefined || holder.id === id || !holder.ending) return;
      await holder.gone.promise;
    }
  }
}
