import type { Agent } from '../guest/index.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';

const lookIntervalMs = 1000;
/** A guest's own clock drifts little; a look this often keeps it right to a few milliseconds. */
const setEveryLooks = 30;
/** The wall clock ran ahead of the monotonic one: the host slept, or its clock was set. */
const jumpMs = 50;

/** Keeps the guests' clocks right, also after the host slept. */
export class ClockKeeper {
  readonly #agents: () => readonly Agent[];
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  #looks = 0;
  #offset = Date.now() - performance.now();

  constructor(agents: () => readonly Agent[], log: Log) {
    this.#agents = agents;
    this.#log = log;
    this.#timer = setInterval(() => this.#look(), lookIntervalMs);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const offset = Date.now() - performance.now();
    const jumped = Math.abs(offset - this.#offset) > jumpMs;
    this.#offset = offset;
    this.#looks++;
    if (!jumped && this.#looks % setEveryLooks !== 0) return;
    if (jumped) this.#log.info({}, 'the host’s clock jumped: setting the guests’');
    for (const agent of this.#agents()) {
      agent.setClock().catch((error: unknown) => {
        this.#log.debug({ error: messageOf(error) }, 'a guest’s clock could not be set');
      });
    }
  }
}
