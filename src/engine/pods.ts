import { HyperError } from '../lib/errors.ts';
import type { Container } from './container.ts';
import type { Pod } from './pod.ts';

/** A container and its pod. */
export interface Target {
  readonly pod: Pod;
  readonly container: Container;
  /** The text named the container, not its pod. */
  readonly byContainer: boolean;
}

/** All pods and their containers, found by name or id, each also by an unambiguous prefix of an id. */
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

  /** The pod that a text names, or whose container it names. */
  find(text: string): Pod {
    return this.target(text).pod;
  }

  /** A pod goes before containers of its name; `POD/NAME` is the container of that name in a pod. */
  target(text: string): Target {
    const pods = this.all();
    const pod = pods.find(({ record }) => record.id === text || record.name === text);
    if (pod !== undefined) return ofPod(pod);
    const containers = pods.flatMap((each) =>
      each.containers.map((container) => ({ pod: each, container, byContainer: true })),
    );
    return (
      only(
        text,
        containers.filter(({ pod: { record: owner }, container: { record } }) =>
          [record.id, record.name, `${owner.name}/${record.name}`, `${owner.id}/${record.name}`].includes(text),
        ),
      ) ??
      only(text, [
        ...pods
          .filter(({ record: { id } }) => [id, id.slice('pod-'.length)].some((each) => each.startsWith(text)))
          .map(ofPod),
        ...containers.filter(({ container }) => container.record.id.startsWith(text)),
      ]) ??
      notFound(text)
    );
  }
}

function ofPod(pod: Pod): Target {
  return { pod, container: pod.first, byContainer: false };
}

function only(text: string, fits: readonly Target[]): Target | undefined {
  if (fits.length <= 1) return fits[0];
  const names = fits.map(({ pod, container, byContainer }) =>
    byContainer ? `${pod.record.name}/${container.record.name}` : pod.record.id,
  );
  const what = fits.some(({ byContainer }) => byContainer) ? 'pods and containers' : 'pods';
  throw new HyperError('ambiguous', `${text} fits ${fits.length} ${what} (${names.join(', ')}): give more of the id`);
}

function notFound(text: string): never {
  throw new HyperError('not_found', `no such pod or container: ${text}: see 'hyper list'`);
}
