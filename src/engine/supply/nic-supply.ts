import { allDone } from '../../lib/all-done.ts';
import { HyperError, messageOf } from '../../lib/errors.ts';
import type { VmId } from '../../lib/ids.ts';
import type { Endpoint } from '../../network/index.ts';
import type { NicRequest, PooledVm } from './ready-vm.ts';
import type { SupplyOptions } from './supply-options.ts';

/** What a VM has of networks. `problem`: why it has no NIC; empty when it has what was asked for. */
export interface Connected {
  readonly endpoints: readonly Endpoint[];
  readonly problem: string;
}

/** The NICs of VMs, on the host's side. */
export class NicSupply {
  readonly #options: Pick<SupplyOptions, 'networks' | 'hypervisor' | 'log'>;

  constructor(options: Pick<SupplyOptions, 'networks' | 'hypervisor' | 'log'>) {
    this.#options = options;
  }

  /** All of them or none. A pod runs without a network where the host cannot give one; its user is told why. */
  async connect(id: VmId, nics: readonly NicRequest[], signal: AbortSignal): Promise<Connected> {
    try {
      return { endpoints: await this.#connectAll(id, nics, 0, signal), problem: '' };
    } catch (error) {
      const { networks, log } = this.#options;
      // Who asks for a network or an address is not served without.
      const asked = nics.some(
        ({ network, address, address6 }) => (address ?? address6) !== undefined || network !== networks.standard.name,
      );
      if (asked || !(error instanceof HyperError) || !['unavailable', 'conflict'].includes(error.code)) throw error;
      log.warn({ vm: id, reason: error.message }, 'the pod gets no network');
      return { endpoints: [], problem: error.message };
    }
  }

  /** The one NIC of a VM of the pool becomes the first that a pod asks for; further ones have yet to be plugged in. */
  async assign(idle: PooledVm, nics: readonly NicRequest[], signal: AbortSignal): Promise<PooledVm> {
    const [own] = idle.endpoints;
    const [first, ...others] = nics;
    if (own === undefined || first === undefined) return idle;
    const { id } = idle.vm.record;
    const further = await this.#connectAll(id, others, 1, signal);
    try {
      return { ...idle, endpoints: [await this.#options.networks.assign(own, first), ...further] };
    } catch (error) {
      await this.giveBack(id, further);
      throw error;
    }
  }

  async disconnect(endpoints: readonly Endpoint[]): Promise<void> {
    await allDone(endpoints.map((endpoint) => this.#options.networks.disconnect(endpoint)));
  }

  /** What was taken for a VM that is not there. */
  async giveBack(id: VmId, endpoints: readonly Endpoint[]): Promise<void> {
    try {
      await this.disconnect(endpoints);
    } catch (error) {
      const fields = { vm: id, error: messageOf(error) };
      this.#options.log.error(fields, 'a NIC is left: the next start of hyperd removes it');
    }
  }

  async #connectAll(
    id: VmId,
    nics: readonly NicRequest[],
    firstNumber: number,
    signal: AbortSignal,
  ): Promise<Endpoint[]> {
    const { networks, hypervisor } = this.#options;
    const ownerUid = hypervisor.user.uid;
    const tried = await Promise.allSettled(
      nics.map((nic, at) => networks.connect(id, { ...nic, nic: firstNumber + at, ownerUid, signal })),
    );
    const made = tried.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
    const failed = tried.find((each) => each.status === 'rejected');
    if (failed === undefined) return made;
    await this.giveBack(id, made);
    throw failed.reason;
  }
}
