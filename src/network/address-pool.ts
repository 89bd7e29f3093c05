import { HyperError } from '../lib/errors.ts';
import { contains, formatAddress, formatSubnet, gatewayOf, parseAddress, sizeOf, type Subnet } from './subnet.ts';

/**
 * Hands out the addresses of a subnet. An address that was given back is taken again only after all others: neighbours
 * and connection tracking still remember its last owner.
 */
export class AddressPool {
  readonly #subnet: Subnet;
  readonly #first: number;
  readonly #last: number;
  readonly #taken = new Set<number>();
  #next: number;

  constructor(subnet: Subnet) {
    this.#subnet = subnet;
    this.#first = gatewayOf(subnet) + 1;
    this.#last = subnet.base + sizeOf(subnet) - 2;
    this.#next = this.#first;
  }

  /** The next free address. @throws HyperError `unavailable` when all are taken. */
  take(): string {
    const count = this.#last - this.#first + 1;
    if (this.#taken.size >= count) {
      throw new HyperError(
        'unavailable',
        `all ${count} addresses of ${formatSubnet(this.#subnet)} are taken: remove pods or configure a larger subnet`,
      );
    }
    while (this.#taken.has(this.#next)) this.#advance();
    const address = this.#next;
    this.#taken.add(address);
    this.#advance();
    return formatAddress(address);
  }

  /** Takes this address. @throws HyperError `bad_request` when it is not one of ours to give, `conflict` when taken. */
  reserve(text: string): void {
    const address = parseAddress(text);
    if (!contains(this.#subnet, address) || address < this.#first || address > this.#last) {
      const range = `${formatAddress(this.#first)} to ${formatAddress(this.#last)}`;
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

  #advance(): void {
    this.#next = this.#next >= this.#last ? this.#first : this.#next + 1;
  }
}
