import { type AskedContainer, ContainerHealth, type ContainerHealthOptions } from './container-health.ts';

export interface PodHealthOptions<Container extends AskedContainer> extends Pick<
  ContainerHealthOptions,
  'log' | 'change'
> {
  readonly exec: (
    container: Container,
    ...rest: Parameters<ContainerHealthOptions['exec']>
  ) => ReturnType<ContainerHealthOptions['exec']>;
  readonly end: (container: Container, why: string) => void;
  /** Nobody is asked anything until `goOn`. */
  readonly paused: boolean;
}

/** The health of a pod's containers, of each while its process runs. */
export class PodHealth<Container extends AskedContainer> {
  readonly #options: PodHealthOptions<Container>;
  readonly #asked = new Map<Container, ContainerHealth>();
  #paused: boolean;

  constructor(options: PodHealthOptions<Container>) {
    this.#options = options;
    this.#paused = options.paused;
  }

  /** A container's process runs. */
  begin(container: Container): void {
    const { end, exec, log, change } = this.#options;
    const { healthCheck, probes, probeFailure } = container.record;
    this.#asked.get(container)?.stop();
    if (healthCheck === null && Object.values(probes).every((probe) => probe === null)) return;
    if (probeFailure !== null) {
      end(container, probeFailure); // a hyperd that died had told it to end
      return;
    }
    const health = new ContainerHealth({
      ...{ container, log, change },
      exec: (...rest) => exec(container, ...rest),
      end: (why) => end(container, why),
    });
    this.#asked.set(container, health);
    if (!this.#paused) health.start(false);
  }

  /** It has ended, or is told to. */
  end(container: Container): void {
    this.#asked.get(container)?.stop();
    this.#asked.delete(container);
  }

  pause(): void {
    this.#paused = true;
    for (const health of this.#asked.values()) health.stop();
  }

  goOn(): void {
    if (!this.#paused) return;
    this.#paused = false;
    for (const health of this.#asked.values()) health.start(true);
  }

  close(): void {
    for (const health of this.#asked.values()) health.stop();
    this.#asked.clear();
  }
}
