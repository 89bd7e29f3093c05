/** A part of something that took time. */
export interface Step {
  readonly name: string;
  readonly milliseconds: number;
}

/** Measures what follows on another: each lap is a step that lasted since the one before. */
export class Stopwatch {
  readonly steps: Step[] = [];
  #since = performance.now();

  /** What somebody else has measured of the time since the last lap. */
  add(steps: readonly Step[]): void {
    this.steps.push(...steps);
    this.#since = performance.now();
  }

  lap(name: string): void {
    const now = performance.now();
    this.steps.push({ name, milliseconds: now - this.#since });
    this.#since = now;
  }
}
