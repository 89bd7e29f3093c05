import { messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { hasOneOf } from './asked-addresses.ts';
import type { PooledVm } from './ready-vm.ts';
import { RecentDemand } from './recent-demand.ts';
import { type PodShape, shapeKey, type ShapeUses } from './shape-uses.ts';

/** How many VMs wait, of all shapes together: as many as were started together lately, within these bounds. */
export interface PoolBounds {
  readonly least: number;
  readonly most: number;
}

export interface VmPoolOptions {
  readonly bounds: PoolBounds;
  readonly uses: ShapeUses;
  /** Makes a warmed VM; undefined where there can be none now. */
  readonly make: (shape: PodShape, signal: AbortSignal) => Promise<PooledVm | undefined>;
  readonly discard: (vm: PooledVm) => Promise<void>;
  /** Resolves when nothing is being started: filling is never in a start's way. */
  readonly quiet: (signal: AbortSignal) => Promise<void>;
  readonly log: Log;
}

/** VMs that run, warmed, and wait for a pod. */
export class VmPool {
  readonly #options: VmPoolOptions;
  readonly #idle = new Set<PooledVm>();
  readonly #shapes = new WeakMap<PooledVm, string>();
  readonly #demand = new RecentDemand();
  #bounds: PoolBounds;
  #filling: Promise<void> | undefined;
  #again = false;
  #abort = new AbortController();
  /** VMs that are being taken apart: until then they take their room. */
  readonly #leaving = new Set<Promise<void>>();

  constructor(options: VmPoolOptions) {
    this.#options = options;
    this.#bounds = options.bounds;
  }

  /** How many are to wait now. */
  get size(): number {
    const { least, most } = this.#bounds;
    return Math.min(Math.max(least, this.#demand.peak(performance.now())), most);
  }

  get waiting(): number {
    return this.#idle.size;
  }

  idle(): readonly PooledVm[] {
    return [...this.#idle];
  }

  /** The VM of this shape that has waited longest. Who takes it handles its end from now on. */
  take(shape: PodShape): PooledVm | undefined {
    this.#demand.note(performance.now());
    const key = shapeKey(shape);
    for (const vm of this.#idle) {
      if (this.#shapes.get(vm) !== key) continue;
      this.#idle.delete(vm);
      return vm;
    }
    return undefined;
  }

  /** Makes what is missing, in the background, one after another, and gives up what is too much. */
  fill(): void {
    this.#again = true; // what was impossible may be possible now
    if (this.size === 0) return;
    const { signal } = this.#abort;
    this.#filling ??= this.#fill(signal)
      .catch((error: unknown) => {
        if (signal.aborted) return;
        this.#options.log.warn({ error: messageOf(error) }, 'the pool could not be filled: pods start without it');
      })
      .finally(() => (this.#filling = undefined));
  }

  /** New bounds; smaller ones take effect at once. */
  async resize(bounds: PoolBounds): Promise<void> {
    this.#bounds = bounds;
    await this.adjust();
  }

  /** Makes what is missing, as `fill`, and gives up what is too many by now. */
  async adjust(): Promise<void> {
    const { size } = this;
    if (size < this.#idle.size || size === 0) await this.drain(size);
    if (size > this.#idle.size) this.fill(); // what failed, or had no room, may do better now
  }

  /** Gives VMs up until so many wait, the youngest first, also the one that is being made. Resolves when they are gone. */
  async drain(keep = 0): Promise<void> {
    this.#abort.abort();
    this.#abort = new AbortController();
    for (const vm of [...this.#idle].slice(keep)) this.#giveUp(vm);
    await this.#filling;
    await Promise.all(this.#leaving);
  }

  /** Gives those up that have one of these addresses; resolves when they are gone. */
  async giveUpWith(addresses: readonly string[]): Promise<void> {
    const have = [...this.#idle].filter(({ endpoints }) => endpoints.some((each) => hasOneOf(addresses, each)));
    for (const vm of have) this.#giveUp(vm);
    await Promise.all(this.#leaving);
  }

  async close(): Promise<void> {
    this.#bounds = { least: 0, most: 0 };
    await this.drain();
  }

  #giveUp(vm: PooledVm): void {
    this.#idle.delete(vm);
    const leaving = this.#options.discard(vm).finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }

  async #fill(signal: AbortSignal): Promise<void> {
    const impossible = new Set<string>();
    for (;;) {
      await this.#options.quiet(signal);
      signal.throwIfAborted();
      if (this.#again) impossible.clear();
      this.#again = false;
      const shape = this.#missing(impossible);
      if (shape === undefined) return;
      const vm = await this.#options.make(shape, signal);
      if (vm === undefined) {
        impossible.add(shapeKey(shape));
        continue;
      }
      if (signal.aborted || this.#idle.size >= this.size) {
        await this.#options.discard(vm);
        continue;
      }
      this.#add(vm, shape);
    }
  }

  #add(vm: PooledVm, shape: PodShape): void {
    this.#idle.add(vm);
    this.#shapes.set(vm, shapeKey(shape));
    const lost = (reason: string): void => {
      if (!this.#idle.has(vm)) return;
      this.#options.log.warn({ vm: vm.vm.record.id, reason }, 'a VM of the pool has ended while it waited');
      this.#giveUp(vm);
      this.fill();
    };
    void vm.vm.ended.then(({ reason }) => lost(reason));
    vm.agent.listen({ onExit: () => undefined, onClose: (cause) => lost(messageOf(cause ?? 'its agent has gone')) });
  }

  /** The shape of which most are missing; VMs that wait for a shape that is not used any more make room for it. */
  #missing(impossible: ReadonlySet<string>): PodShape | undefined {
    const shares = this.#options.uses.shares(this.size);
    const have = (shape: PodShape): number => {
      const key = shapeKey(shape);
      return [...this.#idle].filter((vm) => this.#shapes.get(vm) === key).length;
    };
    const missing = shares
      .map(({ shape, count }) => ({ shape, count: count - have(shape) }))
      .filter(({ shape, count }) => count > 0 && !impossible.has(shapeKey(shape)))
      .sort((a, b) => b.count - a.count);
    const [most] = missing;
    if (most === undefined) return undefined;
    if (this.#idle.size >= this.size) {
      const surplus = [...this.#idle].find((vm) => {
        const share = shares.find(({ shape }) => shapeKey(shape) === this.#shapes.get(vm));
        return share === undefined || have(share.shape) > share.count;
      });
      if (surplus === undefined) return undefined;
      this.#giveUp(surplus);
    }
    return most.shape;
  }
}
