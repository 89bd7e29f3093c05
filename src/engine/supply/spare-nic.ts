import { messageOf } from '../../lib/errors.ts';
import { newVmId, type VmId } from '../../lib/ids.ts';
import type { Endpoint } from '../../network/index.ts';
import { hasOneOf } from './asked-addresses.ts';
import type { SupplyOptions } from './supply-options.ts';

/** It is not to have the last address of a small network. */
const leastFree = 8n;

export interface SpareNicOptions extends Pick<SupplyOptions, 'networks' | 'hypervisor' | 'log'> {
  /** Resolves when nothing is being started, rejects when no more is to be done. */
  readonly quiet: (signal: AbortSignal) => Promise<void>;
  readonly giveBack: (id: VmId, endpoints: readonly Endpoint[]) => Promise<void>;
}

/** A VM to be, of which there are the id and a NIC on the default network. */
export interface NamedNic {
  readonly id: VmId;
  readonly endpoint: Endpoint;
}

/** The NIC that waits for the next VM that is made for a pod: it takes 5 to 18 ms, and none of the start's (docs/performance.md). */
export class SpareNic {
  readonly #options: SpareNicOptions;
  #spare: NamedNic | undefined;
  #making: Promise<void> | undefined;
  /** The latest one that was given up: its address is taken until then. */
  #leaving: Promise<void> = Promise.resolve();
  readonly #closed = new AbortController();

  constructor(options: SpareNicOptions) {
    this.#options = options;
  }

  /** Who takes it handles its end from now on. */
  take(): NamedNic | undefined {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare;
  }

  /** It was not used. */
  async putBack(spare: NamedNic): Promise<void> {
    if (this.#spare === undefined && !this.#closed.signal.aborted) this.#spare = spare;
    else await this.#options.giveBack(spare.id, [spare.endpoint]);
  }

  /** Makes one in the background, unless there is one, or addresses are few. */
  make(): void {
    if (this.#spare !== undefined || this.#closed.signal.aborted) return;
    this.#making ??= this.#make(this.#closed.signal)
      .catch((error: unknown) => this.#options.log.debug({ error: messageOf(error) }, 'no NIC waits'))
      .finally(() => (this.#making = undefined));
  }

  /** Gives it up if it has one of these addresses; resolves when what was given up is gone. */
  async giveUpWith(addresses: readonly string[]): Promise<void> {
    if (this.#spare !== undefined && hasOneOf(addresses, this.#spare.endpoint)) this.#giveUp();
    await this.#leaving;
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#making;
    this.#giveUp();
    await this.#leaving;
  }

  #giveUp(): void {
    const spare = this.#spare;
    this.#spare = undefined;
    if (spare !== undefined) this.#leaving = this.#options.giveBack(spare.id, [spare.endpoint]);
  }

  async #make(signal: AbortSignal): Promise<void> {
    const { quiet, networks, hypervisor } = this.#options;
    await quiet(signal);
    if (this.#spare !== undefined || networks.standard.addresses.pool.free < leastFree) return;
    const id = newVmId();
    const endpoint = await networks.connect(id, { ownerUid: hypervisor.user.uid, signal });
    await this.putBack({ id, endpoint }); // one that was taken may have come back meanwhile
  }
}
