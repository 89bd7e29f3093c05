import { allDone } from '../../lib/all-done.ts';
import { HyperError, messageOf } from '../../lib/errors.ts';
import { newVmId, type VmId } from '../../lib/ids.ts';
import type { Endpoint } from '../../network/index.ts';
import type { NicRequest, PooledVm } from './ready-vm.ts';
import { SpareNic, type SpareNicOptions } from './spare-nic.ts';
import type { SupplyOptions } from './supply-options.ts';

export type NicSupplyOptions = Pick<SupplyOptions, 'networks' | 'hypervisor' | 'makesTemplates' | 'log'> &
  Pick<SpareNicOptions, 'quiet'>;

/** What a VM has of networks. `problem`: why it has no NIC; empty when it has what was asked for. */
export interface Connected {
  readonly endpoints: readonly Endpoint[];
  readonly problem: string;
}

/** The NICs of VMs, on the host's side. */
export class NicSupply {
  readonly #options: NicSupplyOptions;
  readonly #spare: SpareNic;
  /** NICs that waited, of VMs that have yet to be connected. */
  readonly #waited = new Map<VmId, Endpoint>();

  constructor(options: NicSupplyOptions) {
    this.#options = options;
    this.#spare = new SpareNic({ ...options, giveBack: (id, endpoints) => this.giveBack(id, endpoints) });
  }

  /** Gives `work` the id of a VM to be: where a NIC waits that will do, the one that it was made for. Another is made when it has worked. */
  async withVmId<T>(nics: readonly NicRequest[], work: (id: VmId) => Promise<T>): Promise<T> {
    const { networks, makesTemplates } = this.#options;
    const willDo = makesTemplates && nics[0]?.network === networks.standard.name;
    const spare = willDo ? this.#spare.take() : undefined;
    const id = spare?.id ?? newVmId();
    if (spare !== undefined) this.#waited.set(id, spare.endpoint);
    try {
      const done = await work(id);
      if (willDo) this.#spare.make();
      return done;
    } finally {
      const unused = this.#takeWaited(id);
      if (unused !== undefined) await this.#spare.putBack({ id, endpoint: unused });
    }
  }

  /** All of them or none. A pod runs without a network where the host cannot give one; its user is told why. */
  async connect(id: VmId, nics: readonly NicRequest[], signal: AbortSignal): Promise<Connected> {
    const waited = this.#takeWaited(id);
    try {
      const given = waited && (await this.#assignWaited(id, waited, nics, signal));
      const endpoints = given ?? (await this.#connectAll(id, nics, 0, signal));
      return { endpoints, problem: '' };
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
    if (own === undefined || nics.length === 0) return idle;
    return { ...idle, endpoints: await this.#assign(idle.vm.record.id, own, nics, signal) };
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

  /** Gives up the NIC that waits if it has one of these addresses. */
  async giveUpWith(addresses: readonly string[]): Promise<void> {
    await this.#spare.giveUpWith(addresses);
  }

  async close(): Promise<void> {
    await this.#spare.close();
  }

  #takeWaited(id: VmId): Endpoint | undefined {
    const endpoint = this.#waited.get(id);
    this.#waited.delete(id);
    return endpoint;
  }

  /** Undefined where it will not do: it is given back, and all is made as if none had waited. */
  async #assignWaited(
    id: VmId,
    waited: Endpoint,
    nics: readonly NicRequest[],
    signal: AbortSignal,
  ): Promise<readonly Endpoint[] | undefined> {
    const { networks, log } = this.#options;
    try {
      if (await networks.isThere(waited)) return await this.#assign(id, waited, nics, signal);
    } catch (error) {
      log.debug({ vm: id, error: messageOf(error) }, 'the NIC that waited will not do');
    }
    await this.giveBack(id, [waited]);
    return undefined;
  }

  /** A NIC that is there becomes the first that a pod asks for. On failure it is as it was, and no other is there. */
  async #assign(
    id: VmId,
    own: Endpoint,
    [first, ...others]: readonly NicRequest[],
    signal: AbortSignal,
  ): Promise<readonly Endpoint[]> {
    const further = await this.#connectAll(id, others, 1, signal);
    try {
      return [first === undefined ? own : await this.#options.networks.assign(own, first), ...further];
    } catch (error) {
      await this.giveBack(id, further);
      throw error;
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
