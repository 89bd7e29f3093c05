import { HyperError } from '../lib/errors.ts';
import { contains, formatAddress, formatSubnet, parseAddress, sizeOf, type Subnet } from './subnet.ts';

export interface AddressPoolOptions {
  readonly subnet: Subnet;
  readonly gateway: number;
  /** What is handed out by itself; default: all of the subnet. */
  readonly range?: Subnet | undefined;
}

/**
 * Hands out the addresses of a subnet. An address that was given back is taken again only after all others: neighbours
 * and connection tracking still remember its last owner.
 */
export class AddressPool {
  readonly #options: AddressPoolOptions;
  readonly #first: number;
  readonly #last: number;
  readonly #taken = new Set<number>();
  #next: number;

  constructor(options: AddressPoolOptions) {
    const { subnet, range = subnet } = options;
    this.#options = options;
    this.#first = Math.max(range.base, subnet.base + 1);
    this.#last = Math.min(range.base + sizeOf(range) - 1, subnet.base + sizeOf(subnet) - 2);
    this.#next = this.#first;
  }

  /** The next free address. @throws HyperError `unavailable` when all are taken. */
  take(): string {
    const count = this.#last - this.#first + 1;
    for (let tried = 0; tried < count; tried++) {
      const address = this.#next;
      this.#next = address >= this.#last ? this.#first : address + 1;
      if (address === this.#options.gateway || this.#taken.has(address)) continue;
      this.#taken.add(address);
      return formatAddress(address);
    }
    const { range, subnet } = this.#options;
    const where = formatSubnet(range ?? subnet);
    throw new HyperError(
      'unavailable',
      `all addresses of ${where} are taken: remove pods or configure a larger subnet`,
    );
  }

  /** Takes this address. @throws HyperError `bad_request` when it is not one of ours to give, `conflict` when taken. */
  reserve(text: string): void {
    const address = parseAddress(text);
    const { subnet, gateway } = this.#options;
    const [first, last] = [subnet.base + 1, subnet.base + sizeOf(subnet) - 2];
    if (!contains(subnet, address) || address < first || address > last || address === gateway) {
      const range = `${formatAddress(first)} to ${formatAddress(last)}, but for its gateway ${formatAddress(gateway)}`;
      throw new HyperError('bad_request', `${text} cannot be given to a guest: the network has ${range}`);
    }
    if (this.#taken.has(address)) throw new HyperError('conflict', `the address ${text} is taken: choose another`);
    this.#taken.add(address);
  }

  has(text: string): boolean {
    return this.#taken.has(parseAddress(text));
  }

  /** Gives an address back; one that was not taken changes nothing. */
  release(text: string): void {
    this.#taken.delete(parseAddress(text));
  }
}
