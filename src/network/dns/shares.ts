/**
 * Slots that several owners share. One may have as many as are still free: alone half of them, beside one other a third,
 * so that there is always something left for the next (Choudhury and Hahne, Dynamic queue length thresholds, 1998).
 */
export class Shares {
  #free: number;
  readonly #taken = new Map<string, number>();

  constructor(slots: number) {
    this.#free = slots;
  }

  /** Takes a slot, or says that this owner has its share already. */
  take(owner: string): boolean {
    const own = this.#taken.get(owner) ?? 0;
    if (own >= this.#free) return false;
    this.#taken.set(owner, own + 1);
    this.#free -= 1;
    return true;
  }

  release(owner: string): void {
    const own = this.#taken.get(owner) ?? 0;
    if (own > 1) this.#taken.set(owner, own - 1);
    else this.#taken.delete(owner);
    this.#free += 1;
  }
}
