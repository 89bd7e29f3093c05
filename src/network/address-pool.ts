import { HyperError } from '../lib/errors.ts';
import {
  type Address,
  canonicalAddress,
  contains,
  formatAddress,
  formatSubnet,
  parseAddress,
  sizeOf,
  type Subnet,
  usableOf,
} from './subnet.ts';

export interface AddressPoolOptions {
  readonly subnet: Subnet;
  readonly gateway: Address;
  /** What is handed out by itself; default: all of the subnet. */
  readonly range?: Subnet | undefined;
}

/**
 * Hands out the addresses of a subnet. An address that was given back is taken again only after all others: neighbours
 * and connection tracking still remember its last owner.
 */
export class AddressPool {
  readonly #options: AddressPoolOptions;
  readonly #first: bigint;
  readonly #last: bigint;
  readonly #taken = new Set<bigint>();
  #next: bigint;

  constructor(options: AddressPoolOptions) {
    const { subnet, range = subnet } = options;
    const { first, last } = usableOf(subnet);
    const lastOfRange = range.base + sizeOf(range) - 1n;
    this.#options = options;
    this.#first = range.base > first ? range.base : first;
    this.#last = lastOfRange < last ? lastOfRange : last;
    this.#next = this.#first;
  }

  /** The next free address. @throws HyperError `unavailable` when all are taken. */
  take(): string {
    const { range, subnet, gateway } = this.#options;
    const count = this.#last - this.#first + 1n;
    for (let tried = 0n; tried < count; tried++) {
      const value = this.#next;
      this.#next = value >= this.#last ? this.#first : value + 1n;
      if (value === gateway.value || this.#taken.has(value)) continue;
      this.#taken.add(value);
      return formatAddress({ family: subnet.family, value });
    }
    const where = formatSubnet(range ?? subnet);
    throw new HyperError(
      'unavailable',
      `all addresses of ${where} are taken: remove pods or configure a larger subnet`,
    );
  }

  /**
   * Takes this address, and gives it as we write it.
   *
   * @throws HyperError `bad_request` when it is not one of ours to give, `conflict` when taken.
   */
  reserve(text: string): string {
    const address = parseAddress(text);
    const { subnet, gateway } = this.#options;
    const { family } = subnet;
    const { first, last } = usableOf(subnet);
    const { value } = address;
    if (!contains(subnet, address) || value < first || value > last || value === gateway.value) {
      const [from, to] = [first, last].map((each) => formatAddress({ family, value: each }));
      const range = `${from} to ${to}, but for its gateway ${formatAddress(gateway)}`;
      throw new HyperError('bad_request', `${text} cannot be given to a guest: the network has ${range}`);
    }
    if (this.#taken.has(value)) throw new HyperError('conflict', `the address ${text} is taken: choose another`);
    this.#taken.add(value);
    return canonicalAddress(text);
  }

  /** How many it can still hand out by itself. */
  get free(): bigint {
    const used = [...this.#taken, this.#options.gateway.value].filter(
      (each) => each >= this.#first && each <= this.#last,
    );
    return this.#last - this.#first + 1n - BigInt(used.length);
  }

  has(text: string): boolean {
    return this.#taken.has(parseAddress(text).value);
  }

  /** Gives an address back; one that was not taken changes nothing. */
  release(text: string): void {
    this.#taken.delete(parseAddress(text).value);
  }
}
