import { HyperError } from '../lib/errors.ts';
import type { Hypervisor, TemplateDescription } from '../vm/index.ts';
import { byId } from './by-id.ts';
import { podDefaults, type PodSpec } from './pod-spec.ts';
import type { VmSupply } from './supply/index.ts';
import { refuseTooManyVcpus } from './vcpu-bound.ts';

/** What users do with templates. */
export class TemplateDesk {
  readonly #hypervisor: Hypervisor;
  readonly #supply: VmSupply;

  constructor(hypervisor: Hypervisor, supply: VmSupply) {
    this.#hypervisor = hypervisor;
    this.#supply = supply;
  }

  async list(): Promise<readonly TemplateDescription[]> {
    return await this.#hypervisor.templates();
  }

  async make(shape: Pick<PodSpec, 'vcpus' | 'memoryMiB'>, signal: AbortSignal): Promise<TemplateDescription> {
    refuseTooManyVcpus(shape.vcpus, this.#hypervisor.describe());
    const { vcpus = podDefaults.vcpus, memoryMiB = podDefaults.memoryMiB } = shape;
    return await this.#supply.makeTemplate({ vcpus, memoryMiB }, signal);
  }

  /** By its id or the beginning of it; answers with the id. */
  async remove(text: string): Promise<string> {
    const only = byId(await this.list(), text, 'templates');
    if (only === undefined) throw new HyperError('not_found', `no such template: ${text}: see 'hyper template ls'`);
    await this.#hypervisor.removeTemplate(only.id);
    return only.id;
  }
}
