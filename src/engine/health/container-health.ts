import { setTimeout as sleep } from 'node:timers/promises';
import { mainEndpoint } from '../../network/index.ts';
import type { ContainerRecord, HealthCheckRecord, PodRecord, ProbeAction, ProbeRecord } from '../../store/index.ts';
import type { EngineOptions } from '../pod-context.ts';
import type { HealthLog } from './health-log.ts';
import { HealthTally, ProbeTally } from './health-tally.ts';
import { probeHttp, probeTcp } from './network-probe.ts';
import { BoundedOutput, type ProbeResult, tooLate } from './probe-result.ts';

/** A container whose process runs. */
export interface AskedContainer {
  readonly record: Pick<ContainerRecord, 'name' | 'healthCheck' | 'probes' | 'health' | 'passed' | 'probeFailure'>;
  readonly pod: Pick<PodRecord, 'id' | 'endpoints'>;
  /** How long it has run. */
  readonly ranMs: number;
  readonly healthLog: HealthLog;
}

export interface ContainerHealthOptions {
  readonly container: AskedContainer;
  /**
   * Runs a command in it, until the signal: undefined. Rejects when its VM has gone.
   *
   * @param output what it says, also where it is cut short
   */
  readonly exec: (
    args: readonly string[],
    output: BoundedOutput,
    signal: AbortSignal,
  ) => Promise<ProbeResult | undefined>;
  readonly log: Pick<EngineOptions['log'], 'error'>;
  /** Changes the container's record and stores it, unless the signal has come before its turn. */
  readonly change: (change: () => void, signal: AbortSignal) => Promise<void>;
  /** Its process is to end. */
  readonly end: (why: string) => void;
}

/** What a check is, and when. Times in milliseconds. */
interface Round {
  readonly action: ProbeAction;
  readonly timeout: number;
  /** Until the first. */
  readonly first: number;
  /** From the end of one that took so long to the next; undefined: there is none. */
  readonly heard: (result: ProbeResult, startedAt: Date, took: number) => Promise<number | undefined>;
}

type ProbeKind = keyof ContainerRecord['probes'];

/**
 * What is asked of one process of a container, from its start to its end: the health check and the probes, each again and
 * again, one at a time. What they say is stored when it changes.
 */
export class ContainerHealth {
  readonly #options: ContainerHealthOptions;
  readonly #health: HealthTally | undefined;
  readonly #probes: Readonly<Record<ProbeKind, ProbeTally | undefined>>;
  #asking: AbortController | undefined;

  constructor(options: ContainerHealthOptions) {
    this.#options = options;
    const { healthCheck, probes, health } = options.container.record;
    this.#health = healthCheck === null ? undefined : new HealthTally(healthCheck, health ?? 'starting');
    const tallyOf = (probe: ProbeRecord | null): ProbeTally | undefined =>
      probe === null ? undefined : new ProbeTally(probe);
    this.#probes = {
      startup: tallyOf(probes.startup),
      liveness: tallyOf(probes.liveness),
      readiness: tallyOf(probes.readiness),
    };
  }

  /** @param again it was asked before: the next time comes after its usual while */
  start(again: boolean): void {
    const { container, log } = this.#options;
    const asking = new AbortController();
    this.#asking = asking;
    const asked = Promise.all([this.#checkHealth(asking.signal), this.#probe(again, asking.signal)]);
    asked.catch((error: unknown) => {
      if (asking.signal.aborted) return;
      log.error({ pod: container.pod.id, container: container.record.name, error }, 'health is not looked at any more');
    });
  }

  /** What is under way is killed, and counts for nothing. */
  stop(): void {
    this.#asking?.abort();
    this.#asking = undefined;
  }

  get #ranMs(): number {
    return this.#options.container.ranMs;
  }

  async #checkHealth(signal: AbortSignal): Promise<void> {
    const { container } = this.#options;
    const { healthCheck } = container.record;
    const health = this.#health;
    if (healthCheck === null || health === undefined) return;
    await this.#ask(
      {
        action: { type: 'exec', args: healthCheck.args },
        timeout: healthCheck.timeout * 1000,
        first: this.#interval(healthCheck, health),
        heard: async (result, startedAt) => {
          health.add(result.exitCode === 0, this.#ranMs);
          container.healthLog.failingStreak = health.failingStreak;
          container.healthLog.add({ ...result, start: startedAt.toISOString(), end: new Date().toISOString() });
          const { status } = health;
          if (status !== container.record.health) await this.#store(() => (container.record.health = status), signal);
          return this.#interval(healthCheck, health);
        },
      },
      signal,
    );
  }

  #interval({ interval, startInterval }: HealthCheckRecord, health: HealthTally): number {
    return (health.isStarting(this.#ranMs) ? startInterval : interval) * 1000;
  }

  /** While the startup probe has not succeeded the others wait. */
  async #probe(again: boolean, signal: AbortSignal): Promise<void> {
    const { record } = this.#options.container;
    if (!record.passed.startup) {
      await this.#follow('startup', again, signal, async (success) => {
        if (success) await this.#store(() => (record.passed = { ...record.passed, startup: true }), signal);
        return !success;
      });
    }
    if (signal.aborted) return;
    await Promise.all([
      this.#follow('liveness', again, signal, () => Promise.resolve(true)),
      this.#follow('readiness', again, signal, async (success) => {
        if (success !== record.passed.readiness)
          await this.#store(() => (record.passed = { ...record.passed, readiness: success }), signal);
        return true;
      }),
    ]);
  }

  /** @param said what enough results in a row say; answers with whether to go on */
  async #follow(
    kind: ProbeKind,
    again: boolean,
    signal: AbortSignal,
    said: (success: boolean) => Promise<boolean>,
  ): Promise<void> {
    const { container, end } = this.#options;
    const probe = container.record.probes[kind];
    const tally = this.#probes[kind];
    if (probe === null || tally === undefined) return;
    const period = probe.period * 1000;
    await this.#ask(
      {
        action: probe.action,
        timeout: probe.timeout * 1000,
        first: Math.max(probe.initialDelay * 1000 - this.#ranMs, again ? period : 0),
        heard: async (result, _, took) => {
          const success = tally.add(result.exitCode === 0);
          if (success === false && kind !== 'readiness') {
            const words = result.output.trim().split('\n')[0] ?? '';
            const last = words === '' ? `exit code ${result.exitCode}` : words.slice(0, 200);
            end(`its ${kind} probe has failed ${tally.failures} times: ${last}`);
            return undefined;
          }
          if (success !== undefined && !(await said(success))) return undefined;
          return Math.max(0, period - took);
        },
      },
      signal,
    );
  }

  async #ask({ action, timeout, first, heard }: Round, signal: AbortSignal): Promise<void> {
    let wait: number | undefined = first;
    while (wait !== undefined) {
      await sleep(wait, undefined, { signal });
      const startedAt = new Date();
      const began = performance.now();
      const result = await this.#once(action, timeout, signal);
      if (signal.aborted || result === undefined) return;
      wait = await heard(result, startedAt, performance.now() - began);
    }
  }

  /** Undefined: it was told to stop. */
  async #once(action: ProbeAction, timeoutMs: number, signal: AbortSignal): Promise<ProbeResult | undefined> {
    const output = new BoundedOutput();
    const bounded = new AbortController();
    const onStop = (): void => bounded.abort();
    signal.addEventListener('abort', onStop, { once: true });
    const timer = setTimeout(onStop, timeoutMs);
    try {
      const result = await this.#act(action, output, bounded.signal);
      if (signal.aborted) return undefined;
      if (result !== undefined && (result.exitCode === 0 || !bounded.signal.aborted)) return result;
      return tooLate(timeoutMs / 1000, output.text());
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onStop);
    }
  }

  async #act(action: ProbeAction, output: BoundedOutput, signal: AbortSignal): Promise<ProbeResult | undefined> {
    const { container, exec } = this.#options;
    if (action.type === 'exec') {
      try {
        return await exec(action.args, output, signal);
      } catch {
        this.stop(); // its VM has gone, which others are told
        return undefined;
      }
    }
    const address = mainEndpoint(container.pod.endpoints)?.address;
    if (address === undefined) return { exitCode: -1, output: 'the pod has no network' };
    return action.type === 'tcp'
      ? await probeTcp(address, action.port, signal)
      : await probeHttp(address, action, signal);
  }

  async #store(change: () => void, signal: AbortSignal): Promise<void> {
    await this.#options.change(change, signal);
  }
}
