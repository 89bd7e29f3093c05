import { HyperError } from '../lib/errors.ts';
import { Mutex } from '../lib/mutex.ts';
import { openName } from './egress.ts';
import { applyRules } from './nft.ts';

/** Programs use the addresses of a name for longer than they may. */
const leastSeconds = 600;
/** How many answers may wait for their addresses to be opened: a guest must not keep nft busy. */
const mostWaiting = 32;

/**
 * The addresses of names that guests may reach, as DNS answers gave them. One nft at a time, and none for what is open for
 * half its time yet.
 */
export class OpenedNames {
  readonly #table: string;
  /** By the guest's tap: rule and address, and until when it is open, in ms since 1970. */
  readonly #open = new Map<string, Map<string, number>>();
  readonly #turn = new Mutex();
  #waiting = 0;

  constructor(table: string) {
    this.#table = table;
  }

  /** @throws HyperError `unavailable` when too much is asked at once */
  async open(tap: string, rules: readonly number[], addresses: readonly string[], seconds: number): Promise<void> {
    const kept = Math.max(seconds, leastSeconds) * 1000;
    const known = this.#open.get(tap) ?? new Map<string, number>();
    this.#open.set(tap, known);
    const isOpen = (rule: number, address: string): boolean =>
      (known.get(`${rule} ${address}`) ?? 0) > Date.now() + kept / 2;
    const missing = (): number[] => rules.filter((rule) => !addresses.every((address) => isOpen(rule, address)));
    if (missing().length === 0) return;
    if (this.#waiting >= mostWaiting) {
      throw new HyperError('unavailable', `too many names of ${tap} are to be opened: try again`);
    }
    this.#waiting++;
    try {
      await this.#turn.run(async () => {
        const now = missing(); // another answer may have opened it meanwhile
        if (now.length === 0 || this.#open.get(tap) !== known) return;
        await applyRules(openName(this.#table, tap, now, addresses, kept / 1000));
        for (const rule of now) for (const address of addresses) known.set(`${rule} ${address}`, Date.now() + kept);
      });
    } finally {
      this.#waiting--;
    }
  }

  /** All sets are new and empty: what was open is opened again when it is asked for. */
  reset(): void {
    this.#open.clear();
  }

  /** The guest has gone, and its sets with it. */
  forget(tap: string): void {
    this.#open.delete(tap);
  }
}
