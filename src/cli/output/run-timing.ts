import type { StartTiming } from '../../contract/index.ts';
import { renderTable } from './table.ts';

interface TimedStep {
  readonly name: string;
  readonly milliseconds: number;
}

const origins: Readonly<Record<StartTiming['origin'], string>> = {
  pool: 'a VM of the pool',
  template: 'a clone of a template',
  boot: 'a VM that booted',
};

/** What the time of a run went to: the client's own steps, and between them hyperd's. */
export class RunTiming {
  readonly #steps: TimedStep[] = [];
  /** In milliseconds since this program was started, as `performance.now()`. */
  #since = 0;
  #origin: StartTiming['origin'] | undefined;

  lap(name: string): void {
    const now = performance.now();
    this.#steps.push({ name, milliseconds: now - this.#since });
    this.#since = now;
  }

  /** hyperd's steps, which an older one does not tell; what is left of the time since the last lap is the way there and back. */
  started(timing: StartTiming | null | undefined): void {
    if (timing === null || timing === undefined) return;
    const now = performance.now();
    const known = timing.steps.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    this.#origin = timing.origin;
    this.#steps.push(...timing.steps, { name: 'request that starts it', milliseconds: now - this.#since - known });
    this.#since = now;
  }

  table(): string {
    const total = this.#steps.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    const rows = [...this.#steps, { name: 'total', milliseconds: total }];
    const title = this.#origin === undefined ? '' : ` (${origins[this.#origin]})`;
    return renderTable(
      [
        { header: `STEP${title}`, align: 'left', width: 34, cell: ({ name }: TimedStep) => name },
        { header: 'MS', align: 'right', width: 9, cell: ({ milliseconds }: TimedStep) => milliseconds.toFixed(1) },
      ],
      rows,
    );
  }
}
