/** A part of something that took time. */
export interface Step {
  readonly name: string;
  readonly milliseconds: number;
}

/** Measures what follows on another: each lap is a step that lasted since the one before. */
export class Stopwatch {
  readonly steps: Step[] = [];
  #since = performance.now();

  /** The time since the last lap belongs to no step. */
  skip(): void {
    this.#since = performance.now();
  }

  lap(name: string): void {
    const now = performance.now();
    this.steps.push({ name, milliseconds: now - this.#since });
    this.#since = now;
  }
}
