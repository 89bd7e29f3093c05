import { HyperError } from '../lib/errors.ts';
import type { Pod } from './pod.ts';

/** All pods, found by name, id, or the id or name of a container, each also by an unambiguous prefix of an id. */
export class Pods {
  readonly #byId = new Map<string, Pod>();

  add(pod: Pod): void {
    this.#byId.set(pod.record.id, pod);
  }

  delete(id: string): void {
    this.#byId.delete(id);
  }

  /** Oldest first. */
  all(): Pod[] {
    return [...this.#byId.values()];
  }

  hasName(name: string): boolean {
    return this.all().some(({ record }) => record.name === name);
  }

  find(text: string): Pod {
    const all = this.all();
    const exact = all.find(
      ({ record }) =>
        record.id === text ||
        record.name === text ||
        record.containers.some(({ id, name }) => id === text || name === text),
    );
    if (exact !== undefined) return exact;
    const fits = all.filter(({ record }) => idsOf(record.id, record.containers).some((id) => id.startsWith(text)));
    if (fits.length > 1) {
      const names = fits.map(({ record }) => record.id).join(', ');
      throw new HyperError('ambiguous', `${text} fits ${fits.length} pods (${names}): give more of the id`);
    }
    const [only] = fits;
    if (only === undefined) throw new HyperError('not_found', `no such pod or container: ${text}: see 'hyper list'`);
    return only;
  }
}

/** A pod's id also without its `pod-`, and its containers'. */
function idsOf(id: string, containers: readonly { readonly id: string }[]): string[] {
  return [id, id.slice('pod-'.length), ...containers.map((container) => container.id)];
}
