import { showBytes } from '../output/units.ts';
import { stderr } from '../standard-streams.ts';

/** What is faster needs no progress. */
const delayMs = 1000;
const redrawMs = 100;

/** Counts what is copied, and shows it on a terminal in one line that is redrawn; what was copied is said at the end. */
export class CopyProgress {
  readonly #words: string;
  readonly #shown: boolean;
  readonly #begun = Date.now();
  #drawnAt = 0;
  #bytes = 0;

  constructor(words: string, quiet: boolean | undefined) {
    this.#words = words;
    this.#shown = !(quiet ?? !stderr().isTTY);
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    const now = Date.now();
    if (!this.#shown || !stderr().isTTY || now - this.#begun < delayMs || now - this.#drawnAt < redrawMs) return;
    this.#drawnAt = now;
    stderr().write(`\r\x1b[KCopying ${showBytes(this.#bytes)} ${this.#words}`);
  }

  end(succeeded: boolean): void {
    if (this.#drawnAt > 0) stderr().write('\r\x1b[K');
    if (succeeded && this.#shown) {
      stderr().write(`Successfully copied ${showBytes(this.#bytes)} ${this.#words}\n`);
    }
  }
}
