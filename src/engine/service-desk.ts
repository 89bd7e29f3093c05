import { HyperError } from '../lib/errors.ts';
import type { PodRecord, ServiceOfPod } from '../store/index.ts';
import {
  describeService,
  isSameService,
  planService,
  planServiceName,
  planServices,
  refuseTwoWays,
  type ServiceName,
  type ServiceSpec,
} from './plan-service.ts';
import type { EngineOptions } from './pod-context.ts';
import { setServices } from './pod-services.ts';
import type { Pods } from './pods.ts';

/** What users do with the services of a pod: at once where it runs, and at each of its starts. */
export class ServiceDesk {
  readonly #pods: Pods;
  readonly #options: EngineOptions;

  constructor(pods: Pods, options: EngineOptions) {
    this.#pods = pods;
    this.#options = options;
  }

  /** @throws HyperError `conflict` where the pod has one of these already */
  async add(text: string, specs: readonly ServiceSpec[]): Promise<void> {
    await this.#change(text, ({ record }) => [
      ...record.services,
      ...planServices(specs, record.services, record, this.#options.networks),
    ]);
  }

  /** Gives services other hosts. @throws HyperError `not_found` */
  async update(text: string, specs: readonly ServiceSpec[]): Promise<void> {
    await this.#change(text, ({ record }) => {
      const wanted = specs.map((spec) => planService(spec, record, this.#options.networks));
      for (const service of wanted) indexOf(record, service);
      const services = record.services.map(
        (service) => wanted.findLast((each) => isSameService(each, service)) ?? service,
      );
      refuseTwoWays(services, record, this.#options.networks);
      return services;
    });
  }

  /** New connections are refused then; those that it has go on. @throws HyperError `not_found` */
  async remove(text: string, name: ServiceName): Promise<void> {
    await this.#change(text, ({ record }) => record.services.toSpliced(indexOf(record, planServiceName(name)), 1));
  }

  /** What is stored is what a hyperd that died in between has set, or the next one sets. */
  async #change(text: string, plan: (pod: { readonly record: PodRecord }) => ServiceOfPod[]): Promise<void> {
    const pod = this.#pods.find(text);
    const { record } = pod;
    const { store, networks } = this.#options;
    await pod.lock.run(async () => {
      const before = record.services;
      record.services = plan(pod);
      const gone = record.services.length < before.length;
      try {
        if (!gone) store.savePod(record);
        if (pod.run !== undefined) await setServices(record, pod.run, networks);
        if (gone) store.savePod(record);
      } catch (error) {
        record.services = before;
        store.keepPod(record);
        throw error;
      }
    });
  }
}

function indexOf(record: PodRecord, name: ServiceName): number {
  const at = record.services.findIndex((each) => isSameService(each, name));
  if (at >= 0) return at;
  const advice = `see 'hyper service ls ${record.name}'`;
  throw new HyperError('not_found', `pod ${record.name} has no service ${describeService(name)}: ${advice}`);
}
