/** Starts that come so close together are a burst. */
const burstMs = 10_000;
/** So long a burst is expected to come again. */
const rememberedMs = 15 * 60_000;

/** How many starts came together lately: as many may come together again. */
export class RecentDemand {
  #starts: number[] = [];
  /** Each more than those after it: the first one that is remembered is the greatest. */
  #bursts: { readonly atMs: number; readonly count: number }[] = [];

  /** A start, at a time of a clock that never goes back. */
  note(atMs: number): void {
    this.#starts = [...this.#starts.filter((start) => start > atMs - burstMs), atMs];
    const count = this.#starts.length;
    this.#bursts = [...this.#bursts.filter((burst) => burst.count > count), { atMs, count }];
  }

  /** The starts of the greatest burst that is still remembered. */
  peak(atMs: number): number {
    this.#bursts = this.#bursts.filter((burst) => burst.atMs > atMs - rememberedMs);
    return this.#bursts[0]?.count ?? 0;
  }
}
