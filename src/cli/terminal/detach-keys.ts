import { UsageError } from '../usage-error.ts';

export const defaultDetachKeys = 'ctrl-p,ctrl-q';

/** Docker's syntax: single characters, `DEL`, or `ctrl-` and one of a-z @ [ \ ] ^ _, joined by commas. */
export function parseDetachKeys(text: string): Buffer {
  const keys = (text === '' ? defaultDetachKeys : text).split(',').map((key) => {
    const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(key)?.[1];
    // A control character is its letter without the upper bits (ASCII).
    if (control !== undefined) return (control.toUpperCase().codePointAt(0) ?? 0) & 0x1f;
    if (key.toUpperCase() === 'DEL') return 0x7f;
    if (/^[\x20-\x7e]$/.test(key)) return key.codePointAt(0) ?? 0;
    throw new UsageError(
      `--detach-keys is '${text}': '${key}' is no key: give letters or ctrl-LETTER, as ctrl-p,ctrl-q`,
    );
  });
  return Buffer.from(keys);
}

/** Finds the detach keys in what is typed, however it is cut. A beginning of them is held back until it is clear. */
export class DetachScanner {
  readonly #keys: Buffer;
  #matched = 0;

  constructor(keys: Buffer) {
    this.#keys = keys;
  }

  /** What to send on; `detached` once the keys are complete: what follows them is dropped. */
  push(chunk: Buffer): { readonly forward: Buffer; readonly detached: boolean } {
    if (this.#matched === 0 && !chunk.includes(this.#keys[0] ?? 0)) return { forward: chunk, detached: false };
    const forward: number[] = [];
    for (const byte of chunk) {
      while (this.#matched > 0 && byte !== this.#keys[this.#matched]) {
        const kept = this.#longestRestart();
        forward.push(...this.#keys.subarray(0, this.#matched - kept));
        this.#matched = kept;
      }
      if (byte !== this.#keys[this.#matched]) {
        forward.push(byte);
        continue;
      }
      this.#matched += 1;
      if (this.#matched === this.#keys.length) return { forward: Buffer.from(forward), detached: true };
    }
    return { forward: Buffer.from(forward), detached: false };
  }

  /** How many of the last keys matched are also the first: `a,a,b` in `aaab`. */
  #longestRestart(): number {
    const matched = this.#keys.subarray(0, this.#matched);
    for (let length = this.#matched - 1; length > 0; length--) {
      if (matched.subarray(0, length).equals(matched.subarray(this.#matched - length))) return length;
    }
    return 0;
  }
}
