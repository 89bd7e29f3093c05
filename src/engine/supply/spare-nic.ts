import { messageOf } from '../../lib/errors.ts';
import { newVmId, type VmId } from '../../lib/ids.ts';
import type { Endpoint } from '../../network/index.ts';
import { hasOneOf } from './asked-addresses.ts';
import type { SupplyOptions } from './supply-options.ts';

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
  readonly #closed = new AbortController();

  constructor(options: SpareNicOptions) {
    this.#options = options;
  }

  /** Who takes it handles its end from now on. One that somebody has taken away is of no use. */
  async take(): Promise<NamedNic | undefined> {
    const spare = this.#spare;
    this.#spare = undefined;
    if (spare === undefined || (await this.#options.networks.isThere(spare.endpoint))) return spare;
    await this.#options.giveBack(spare.id, [spare.endpoint]);
    return undefined;
  }

  /** Makes one in the background, unless there is one. */
  make(): void {
    if (this.#spare !== undefined || this.#closed.signal.aborted) return;
    this.#making ??= this.#make(this.#closed.signal)
      .catch((error: unknown) => this.#options.log.debug({ error: messageOf(error) }, 'no NIC waits'))
      .finally(() => (this.#making = undefined));
  }

  /** Gives it up if it has one of these addresses. */
  async giveUpWith(addresses: readonly string[]): Promise<void> {
    if (this.#spare !== undefined && hasOneOf(addresses, this.#spare.endpoint)) await this.#giveUp();
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#making;
    await this.#giveUp();
  }

  async #giveUp(): Promise<void> {
    const spare = this.#spare;
    this.#spare = undefined;
    if (spare !== undefined) await this.#options.giveBack(spare.id, [spare.endpoint]);
  }

  async #make(signal: AbortSignal): Promise<void> {
    const { quiet, networks, hypervisor } = this.#options;
    await quiet(signal);
    const id = newVmId();
    this.#spare = { id, endpoint: await networks.connect(id, { ownerUid: hypervisor.user.uid, signal }) };
  }
}
