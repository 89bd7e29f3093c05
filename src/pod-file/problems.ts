import { HyperError } from '../lib/errors.ts';

/** The way to a field: `['containers', 1, 'volumes', 0, 'path']`. */
export type FieldPath = readonly (string | number)[];

/** How a text begins that refuses what is understood and cannot be done. */
export const notSupported = 'is not supported';

/** A message with more of them is not read. */
const mostShown = 10;

/** What is wrong with a pod file: all of it is collected, so that its author need not find one fault after the other. */
export class Problems {
  readonly #found: { readonly path: FieldPath; readonly text: string }[] = [];

  /** @param text what is wrong with the field, what was found, and what is allowed. */
  add(path: FieldPath, text: string): void {
    this.#found.push({ path, text });
  }

  /** Whether so much is wrong that what is added will not be shown. */
  get areMany(): boolean {
    return this.#found.length >= mostShown;
  }

  /** @param why what is missing, or what to do in its place. */
  unsupported(path: FieldPath, why: string): void {
    this.add(path, `${notSupported}: ${why}`);
  }

  /** @throws HyperError `bad_request`, or `unsupported` where nothing else is wrong */
  throwIfAny(): void {
    if (this.#found.length === 0) return;
    const lines = this.#found.slice(0, mostShown).map(({ path, text }) => `${showPath(path)}: ${text}`);
    const more = this.#found.length - lines.length;
    const onlyUnsupported = this.#found.every(({ text }) => text.startsWith(notSupported));
    throw new HyperError(
      onlyUnsupported ? 'unsupported' : 'bad_request',
      [...lines, ...(more > 0 ? [`and ${more} more`] : [])].join('; '),
    );
  }
}

/** `containers[1].volumes[0].path`; a key that is no plain word is quoted: `labels["a b"]`. */
export function showPath(path: FieldPath): string {
  const text = path
    .map((step) => {
      if (typeof step === 'number') return `[${step}]`;
      return /^[\w-]{1,64}$/.test(step) ? `.${step}` : `[${JSON.stringify(step.slice(0, 64))}]`;
    })
    .join('');
  return text === '' ? 'the pod file' : text.replace(/^\./, '');
}
