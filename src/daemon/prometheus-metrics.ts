import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Engine, EngineMetrics, StartTiming } from '../engine/index.ts';
import type { MetricsPage } from './rest/index.ts';

/** Seconds: from one request to the guest up to a cold boot on a busy host under emulation. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** hyperd's counts and times in Prometheus' text format. Seconds and bytes, as its conventions ask. */
export class PrometheusMetrics implements EngineMetrics, MetricsPage {
  readonly #registry = new Registry();
  readonly #starts = new Counter({
    ...{ name: 'hyper_pod_starts_total', help: 'Pods started, by where their VM came from' },
    ...{ labelNames: ['origin'] as const, registers: [this.#registry] },
  });
  readonly #startFailures = this.#counter('hyper_pod_start_failures_total', 'Starts of pods that failed');
  readonly #start = new Histogram({
    ...{ name: 'hyper_pod_start_seconds', help: 'From the request to the running process' },
    ...{ labelNames: ['origin'] as const, buckets, registers: [this.#registry] },
  });
  readonly #step = new Histogram({
    ...{ name: 'hyper_pod_start_step_seconds', help: 'The steps of a start' },
    ...{ labelNames: ['origin', 'step'] as const, buckets, registers: [this.#registry] },
  });
  readonly #hits = this.#counter('hyper_pool_hits_total', 'Pods that found their VM in the pool');
  readonly #misses = this.#counter('hyper_pool_misses_total', 'Pods that found none there');
  readonly #templates = this.#counter('hyper_templates_made_total', 'Templates made');
  readonly #templateFailures = this.#counter('hyper_template_failures_total', 'Templates that could not be made');
  readonly #pulled = this.#counter('hyper_image_pulled_bytes_total', 'Bytes of layers that pulls have downloaded');

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(): Promise<string> {
    return await this.#registry.metrics();
  }

  /** Adds what is counted when it is asked for. */
  watch(engine: Engine): void {
    const gauge = (name: string, help: string, value: () => number): void => {
      const collect = function (this: Gauge): void {
        this.set(value());
      };
      this.#registry.registerMetric(new Gauge({ name, help, collect, registers: [] }));
    };
    gauge('hyper_pods', 'Pods, running or not', () => engine.pods().length);
    gauge('hyper_pods_running', 'Pods that run', () => engine.pods().filter(({ running }) => running).length);
    gauge('hyper_vms', 'VMs that run, those of the pool among them', () => {
      return engine.pods().filter(({ active }) => active).length + engine.vms.idle().length;
    });
    gauge('hyper_pool_size', 'VMs that should wait in the pool', () => engine.describe().pool.size);
    gauge('hyper_pool_waiting', 'VMs that wait in the pool', () => engine.describe().pool.waiting);
    gauge('hyper_prepared_templates', "Templates that stand by with an image's disks", () => {
      return engine.describe().prepared.count;
    });
    gauge('hyper_prepared_templates_bytes', "What of the host's memory they have", () => {
      return engine.describe().prepared.bytes;
    });
    gauge('hyper_vm_memory_reserved_bytes', 'What all VMs may come to need', () => {
      return engine.describe().memory.reservedMiB * 2 ** 20;
    });
    gauge('process_resident_memory_bytes', "hyperd's own memory", () => process.memoryUsage.rss());
  }

  podStarted({ origin, steps }: StartTiming): void {
    this.#starts.inc({ origin });
    let total = 0;
    for (const { name, milliseconds } of steps) {
      total += milliseconds;
      this.#step.observe({ origin, step: name }, milliseconds / 1000);
    }
    this.#start.observe({ origin }, total / 1000);
  }

  podStartFailed(): void {
    this.#startFailures.inc();
  }

  poolHit(): void {
    this.#hits.inc();
  }

  poolMiss(): void {
    this.#misses.inc();
  }

  templateMade(): void {
    this.#templates.inc();
  }

  templateFailed(): void {
    this.#templateFailures.inc();
  }

  bytesPulled(bytes: number): void {
    this.#pulled.inc(bytes);
  }

  #counter(name: string, help: string): Counter {
    return new Counter({ name, help, registers: [this.#registry] });
  }
}
