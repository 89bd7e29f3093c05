import { HyperError } from '../lib/errors.ts';
import type { Exec } from './exec.ts';
import type { ExecSpec } from './pod-spec.ts';
import type { Pods } from './pods.ts';

/** Execs that do not run and can still be inspected; older ones are forgotten. */
const keptExecs = 1000;

/** The execs of all pods. */
export class ExecTable {
  readonly #pods: Pods;
  readonly #execs = new Map<string, Exec>();

  constructor(pods: Pods) {
    this.#pods = pods;
  }

  /** @param text names a container, or a pod for its first one */
  create(text: string, spec: ExecSpec): Exec {
    const { pod, container } = this.#pods.target(text);
    const exec = pod.exec(container, spec);
    this.#execs.set(exec.id, exec);
    for (const [id, old] of this.#execs) {
      if (this.#execs.size <= keptExecs) break;
      if (old.state !== 'running') this.#execs.delete(id);
    }
    return exec;
  }

  get(id: string): Exec {
    const exec = this.#execs.get(id);
    if (exec === undefined) throw new HyperError('not_found', `no such exec: ${id}`);
    return exec;
  }
}
