import { constants } from 'node:os';
import { HyperError } from '../../lib/errors.ts';

/** Aborted by Ctrl-C and its like, so that half a file is removed; the exit code is then 128 and the signal's number. */
export class Interruption implements Disposable {
  readonly #controller = new AbortController();
  readonly #listeners: readonly (readonly [NodeJS.Signals, () => void])[];
  #signal: NodeJS.Signals | undefined;

  constructor() {
    this.#listeners = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) => {
      const listener = (): void => {
        this.#signal = name;
        this.#controller.abort(new HyperError('cancelled', `interrupted by ${name}`));
      };
      process.on(name, listener);
      return [name, listener] as const;
    });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Undefined where nothing has interrupted it. */
  get exitCode(): number | undefined {
    return this.#signal === undefined ? undefined : 128 + constants.signals[this.#signal];
  }

  [Symbol.dispose](): void {
    for (const [name, listener] of this.#listeners) process.off(name, listener);
  }
}
