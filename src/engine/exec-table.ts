import { HyperError } from '../lib/errors.ts';
import { newExecId } from '../lib/ids.ts';
import type { EventRecord, ExecRecord } from '../store/index.ts';
import type { AttachClient, Attachment } from './attachment.ts';
import { byId } from './by-id.ts';
import { Exec, type ExecAction, type ExecPlace } from './exec.ts';
import { livesOf } from './live-pod.ts';
import type { Pod } from './pod.ts';
import type { EngineOptions } from './pod-context.ts';
import type { PodRun } from './pod-run.ts';
import type { ExecSpec } from './pod-spec.ts';
import type { Pods } from './pods.ts';

/** Execs that do not run and can still be inspected; older ones are forgotten. */
const keptExecs = 1000;

/** The execs of all pods, also those that an earlier hyperd started. They go with their pod. */
export class ExecTable {
  readonly #pods: Pods;
  readonly #options: Pick<EngineOptions, 'store' | 'log'>;
  /** Oldest first. */
  readonly #execs = new Map<string, Exec>();

  constructor(pods: Pods, options: Pick<EngineOptions, 'store' | 'log'>) {
    this.#pods = pods;
    this.#options = options;
    for (const record of options.store.execs.all()) this.#add(record);
  }

  /** @param text names a container, or a pod for its first one */
  create(text: string, spec: ExecSpec): Exec {
    const { pod, container } = this.#pods.target(text);
    const containerId = spec.vm === true ? null : container.record.id;
    const id: string = newExecId();
    const record: ExecRecord = {
      ...{ id, podId: pod.record.id, containerId, spec, process: 0 },
      ...{ state: 'created', exitCode: null, error: null },
    };
    placeOf(pod, record); // refused where nothing runs
    const exec = this.#add(record);
    this.#save(record, 'exec_create');
    this.#forgetOldest();
    return exec;
  }

  /** @param text an id, or the beginning of one */
  get(text: string): Exec {
    const exec = this.#execs.get(text) ?? byId([...this.#execs.values()], text, 'execs');
    if (exec === undefined) throw new HyperError('not_found', `no such exec: ${text}`);
    return exec;
  }

  /** Starts it; with a client, its output goes there and the returned attachment steers it. */
  async start(text: string, client?: AttachClient): Promise<Attachment> {
    const exec = this.get(text);
    return await exec.start(placeOf(this.#pods.find(exec.record.podId), exec.record), client);
  }

  /** Goes on with the execs of a pod that is found again; call before its agent listens. */
  takeBack(pod: Pod, run: PodRun): void {
    for (const exec of this.#runningOf(pod)) {
      const container = pod.containers.find(({ record: { id } }) => id === exec.record.containerId);
      if (!exec.takeBack({ run, container }))
        exec.lose('hyperd ended before it had started, or before its end was stored');
    }
  }

  /** What was to run in a pod and was not taken back has ended with its VM. */
  lose(pod: Pod): void {
    for (const exec of this.#runningOf(pod)) exec.lose(pod.record.reason ?? 'its VM ended while hyperd was away');
  }

  /** Of a pod that is no more. */
  forget(podId: string): void {
    for (const [id, { record }] of this.#execs) if (record.podId === podId) this.#execs.delete(id);
  }

  #add(record: ExecRecord): Exec {
    const exec = new Exec(record, (...saved) => this.#save(...saved));
    this.#execs.set(record.id, exec);
    return exec;
  }

  #runningOf(pod: Pod): Exec[] {
    const ofPod = [...this.#execs.values()].filter(({ record }) => record.podId === pod.record.id);
    return ofPod.filter(({ record }) => record.state === 'running');
  }

  #forgetOldest(): void {
    for (const [id, { record }] of this.#execs) {
      if (this.#execs.size <= keptExecs) break;
      if (record.state === 'running') continue;
      this.#execs.delete(id);
      this.#attempt(record, () => this.#options.store.execs.delete(id));
    }
  }

  /** A disk that is full keeps nobody from running something. */
  #save(record: ExecRecord, action?: ExecAction): void {
    const pod = this.#pods.all().find((each) => each.record.id === record.podId);
    if (pod === undefined || !this.#execs.has(record.id)) return; // it was removed meanwhile
    const happened = action === undefined ? [] : [eventOf(pod, record, action)];
    this.#attempt(record, () => this.#options.store.execs.save(record, happened));
  }

  #attempt({ id, podId }: ExecRecord, write: () => void): void {
    try {
      write();
    } catch (error) {
      this.#options.log.error({ pod: podId, exec: id, error }, 'an exec could not be stored');
    }
  }
}

/** @throws HyperError `conflict` where its pod or container does not run */
function placeOf(pod: Pod, { containerId }: ExecRecord): ExecPlace {
  const { run } = livesOf(pod);
  if (containerId === null) return { run, container: undefined };
  const container = pod.containers.find(({ record: { id } }) => id === containerId);
  if (container === undefined) throw new HyperError('not_found', 'its container was removed');
  if (!container.running) throw container.doesNotRun('');
  return { run, container };
}

function eventOf({ record: pod, containers }: Pod, record: ExecRecord, action: ExecAction): EventRecord {
  const container = containers.find(({ record: { id } }) => id === record.containerId);
  const exitCode = action === 'exec_die' ? { exitCode: String(record.exitCode ?? '') } : {};
  const reason = record.error === null ? {} : { reason: record.error };
  const attributes = { execID: record.id, ...exitCode, ...reason };
  return container === undefined
    ? { type: 'pod', action, id: pod.id, name: pod.name, podId: null, attributes }
    : { type: 'container', action, id: container.record.id, name: container.record.name, podId: pod.id, attributes };
}
