import type { VmId } from '../../lib/ids.ts';
import { HyperError, messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { VmRecord } from '../../vm/index.ts';
import { byId } from '../by-id.ts';
import type { PooledVm } from './ready-vm.ts';
import { type PodShape, shapeKey } from './shape-uses.ts';

/** A VM that a user has asked for, and what it has. */
interface UserVm {
  readonly idle: PooledVm;
  readonly shape: PodShape;
}

/** VMs that run and wait for the pods that their users name, `hyper start POD VM`. */
export class UserVms {
  readonly #waiting = new Map<VmId, UserVm>();
  readonly #discard: (vm: PooledVm) => Promise<void>;
  readonly #log: Log;

  constructor({ discard, log }: { readonly discard: (vm: PooledVm) => Promise<void>; readonly log: Log }) {
    this.#discard = discard;
    this.#log = log;
  }

  list(): readonly PooledVm[] {
    return [...this.#waiting.values()].map(({ idle }) => idle);
  }

  add(idle: PooledVm, shape: PodShape): VmRecord {
    const { vm, agent } = idle;
    const { id } = vm.record;
    this.#waiting.set(id, { idle, shape });
    const lost = (reason: string): void => {
      if (!this.#waiting.delete(id)) return;
      this.#log.warn({ vm: id, reason }, 'a VM that waited for its user’s pod has ended');
      void this.#discard(idle);
    };
    void vm.ended.then(({ reason }) => lost(reason));
    agent.listen({ onExit: () => undefined, onClose: (cause) => lost(messageOf(cause ?? 'its agent has gone')) });
    return vm.record;
  }

  /** @throws HyperError `not_found`, `conflict` where it has another shape than the pod needs */
  check(text: string, wanted: PodShape): VmId {
    const id = this.#find(text);
    const shape = this.#waiting.get(id)?.shape;
    if (shape !== undefined && shapeKey(shape) === shapeKey(wanted)) return id;
    if (wanted.sharedMemory) {
      throw new HyperError('unsupported', `the VM ${id} cannot be given folders of the host: start the pod without it`);
    }
    const has = `${shape?.vcpus} CPUs and ${shape?.memoryMiB} MiB`;
    const advice = `make one with 'hyper vm -c ${wanted.vcpus} -m ${wanted.memoryMiB}'`;
    throw new HyperError('conflict', `the VM ${id} has ${has}, the pod is to have others: ${advice}`);
  }

  /** Who takes it handles its end from now on. */
  take(text: string, wanted: PodShape): PooledVm {
    const id = this.check(text, wanted);
    const found = this.#waiting.get(id);
    if (found === undefined) throw notFound(text);
    this.#waiting.delete(id);
    return found.idle;
  }

  /** Ends one; answers with its id. @throws HyperError `not_found` */
  async remove(text: string): Promise<VmId> {
    const id = this.#find(text);
    const found = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (found !== undefined) await this.#discard(found.idle);
    return id;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#waiting.keys()].map((id) => this.remove(id)));
  }

  #find(text: string): VmId {
    const only = byId(
      this.list().map(({ vm }) => vm.record),
      text,
      'VMs',
    );
    if (only === undefined) throw notFound(text);
    return only.id;
  }
}

function notFound(text: string): HyperError {
  const advice = "those of 'hyper vm' can be used and ended, see 'hyper list vm'";
  return new HyperError('not_found', `no VM ${text} waits for its user's pod: ${advice}`);
}
