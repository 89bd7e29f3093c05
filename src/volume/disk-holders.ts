import { HyperError } from '../lib/errors.ts';
import { unlessAborted } from '../lib/unless-aborted.ts';

/** A disk, as a pod is to have it. */
export interface HeldDisk {
  /** The same for each way to it. */
  readonly key: string;
  /** What its user calls it. */
  readonly name: string;
  readonly readOnly: boolean;
}

interface Holder {
  readonly podId: string;
  readonly podName: string;
  readonly readOnly: boolean;
  readonly gone: PromiseWithResolvers<void>;
  ending: boolean;
}

/** Which pods have a disk: one that writes it, or any number that read it. Two kernels that write one file system destroy it. */
export class DiskHolders {
  readonly #holders = new Map<string, readonly Holder[]>();

  /**
   * Gives a disk to a pod, when those that have ended and whose VMs still go have let it go.
   *
   * @throws HyperError `conflict` when another pod runs with it
   */
  async hold(
    { key, name, readOnly }: HeldDisk,
    pod: { readonly id: string; readonly name: string },
    signal: AbortSignal,
  ): Promise<void> {
    const inTheWay = (holder: Holder): boolean => holder.podId !== pod.id && !(readOnly && holder.readOnly);
    await unlessAborted(this.#whileEnding(key, inTheWay), signal);
    const holders = this.#holders.get(key) ?? [];
    const other = holders.find(inTheWay);
    if (other !== undefined) {
      throw new HyperError(
        'conflict',
        `${name} is a disk and pod ${other.podName} has it: stop that pod, or take another disk`,
      );
    }
    const mine = holders.find(({ podId }) => podId === pod.id);
    const gone = mine?.gone ?? Promise.withResolvers<void>();
    const holder = { podId: pod.id, podName: pod.name, readOnly, gone, ending: false };
    this.#holders.set(key, [...holders.filter((each) => each !== mine), holder]);
  }

  /** Resolves when no VM of a pod that has ended has it any more. */
  async free(key: string): Promise<void> {
    await this.#whileEnding(key, () => true);
  }

  /** The pod has ended: its VM is being taken apart. */
  ending(podId: string): void {
    for (const holder of [...this.#holders.values()].flat()) if (holder.podId === podId) holder.ending = true;
  }

  /** The pod's VM has gone. */
  letGo(podId: string): void {
    for (const [key, holders] of this.#holders) {
      const others = holders.filter((holder) => holder.podId !== podId);
      if (others.length === 0) this.#holders.delete(key);
      else this.#holders.set(key, others);
      for (const holder of holders) if (holder.podId === podId) holder.gone.resolve();
    }
  }

  async #whileEnding(key: string, inTheWay: (holder: Holder) => boolean): Promise<void> {
    for (;;) {
      const ending = this.#holders.get(key)?.filter((holder) => inTheWay(holder) && holder.ending) ?? [];
      if (ending.length === 0) return;
      await Promise.all(ending.map(({ gone }) => gone.promise));
    }
  }
}
