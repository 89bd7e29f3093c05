import { createHash, randomBytes } from 'node:crypto';
import { HyperError } from '../lib/errors.ts';
import type { EgressRule, Network, Networks, SubnetDefinition } from '../network/index.ts';
import type { NetworkRecord, Store } from '../store/index.ts';
import { byId } from './by-id.ts';
import { type Pruned, pruneEach } from './prune-each.ts';
import { fits, type PruneFilter } from './prune-filter.ts';
import { planEgress } from './network-plan.ts';
import type { NetworkOfPodSpec } from './pod-spec.ts';
import type { Pods } from './pods.ts';

export interface NetworkSpec extends SubnetDefinition {
  readonly name: string;
  /** Left out: it has none. */
  readonly ipv6?: SubnetDefinition | undefined;
  readonly mtu?: number | undefined;
  readonly internal?: boolean | undefined;
  readonly egress?: readonly EgressRule[] | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** A network as it is. `record` is null for the default one, which the configuration makes. */
export interface NetworkDescription {
  /** 64 hex digits; the default one's is its bridge's, so that it stays. */
  readonly id: string;
  readonly network: Network;
  readonly record: NetworkRecord | null;
}

/** What users do with networks: those that they make, and the one that is always there. That pods use them is known here. */
export class NetworkDesk {
  readonly #store: Store;
  readonly #networks: Networks;
  readonly #pods: Pods;
  readonly #records = new Map<string, NetworkRecord>();

  constructor(store: Store, networks: Networks, pods: Pods) {
    this.#store = store;
    this.#networks = networks;
    this.#pods = pods;
    for (const record of store.networks()) this.#records.set(record.name, record);
  }

  list(): readonly NetworkDescription[] {
    return this.#networks.list().map((network) => this.#describe(network));
  }

  /** By its name, its id, or the beginning of its id. */
  find(text: string): NetworkDescription {
    const all = this.list();
    const known = all.some(({ network }) => network.name === text);
    const only = known ? undefined : byId(all, text, 'networks');
    return only ?? this.#describe(this.#networks.find(text));
  }

  #describe(network: Network): NetworkDescription {
    const record = this.#records.get(network.name) ?? null;
    return { id: record?.id ?? createHash('sha256').update(network.bridge).digest('hex'), network, record };
  }

  async create(spec: NetworkSpec): Promise<NetworkDescription> {
    const id = randomBytes(32).toString('hex');
    const { labels = {}, ...definition } = spec;
    const bridge = `hy-${id.slice(0, 12)}`;
    const egress = spec.egress?.map(planEgress);
    const network = await this.#networks.create({ ...definition, bridge, egress });
    const { name, range, mtu, internal = false } = spec;
    const ofIpv6 = spec.ipv6?.range === undefined ? {} : { range: spec.ipv6.range };
    const record: NetworkRecord = {
      ...{ id, name, bridge, subnet: network.subnet, gateway: network.gateway, internal, labels: { ...labels } },
      ...(range === undefined ? {} : { range }),
      ...(network.ipv6 === null ? {} : { ipv6: { ...network.ipv6, ...ofIpv6 } }),
      ...(mtu === undefined ? {} : { mtu }),
      ...(egress === undefined ? {} : { egress }),
      createdAt: new Date().toISOString(),
    };
    try {
      this.#store.addNetwork(record);
    } catch (error) {
      await this.#networks.remove(name);
      throw error;
    }
    this.#records.set(name, record);
    return { id, network, record };
  }

  /** Puts a pod on a further network. */
  async connect(text: string, pod: string, wish: Omit<NetworkOfPodSpec, 'network'>): Promise<void> {
    const { network } = this.find(text);
    await this.#pods.find(pod).joinNetwork({ ...wish, network: network.name });
  }

  async disconnect(text: string, pod: string): Promise<void> {
    const { network } = this.find(text);
    await this.#pods.find(pod).leaveNetwork(network.name);
  }

  /** Answers with its name. @throws HyperError `conflict` where a pod, running or not, is made for it */
  async remove(text: string): Promise<string> {
    const { network, record } = this.find(text);
    const [user] = this.#podsOn(network.name);
    if (record !== null && user !== undefined) {
      throw new HyperError('conflict', `the network ${network.name} is the pod ${user}'s: remove that first`);
    }
    await this.#networks.remove(network.name); // refuses the default one
    if (record !== null) this.#store.deleteNetwork(record);
    this.#records.delete(network.name);
    return network.name;
  }

  /** Removes what no pod is made for. */
  async prune(filter: PruneFilter): Promise<Pruned> {
    const wanted = [...this.#records.values()].filter(({ labels, createdAt }) => fits(filter, labels, createdAt));
    const names = wanted.map(({ name }) => name);
    return await pruneEach(names, async (name) => {
      if (this.#podsOn(name).length > 0) return false;
      await this.remove(name);
      return true;
    });
  }

  /** The pods' names. */
  #podsOn(network: string): string[] {
    return this.#pods
      .all()
      .flatMap(({ record }) => (record.networks.some((each) => each.network === network) ? record.name : []));
  }
}
