import { HyperError } from '../lib/errors.ts';
import type { ContainerRecord } from '../store/index.ts';

type Lived = Pick<ContainerRecord, 'name' | 'init' | 'waiting' | 'state' | 'restarting' | 'exitCode' | 'error'>;

/** A pod starts: what it begins with. What comes later waits, its init containers one for the other. */
export function beginWith<C extends { readonly record: ContainerRecord }>(containers: readonly C[]): readonly C[] {
  const firstInit = containers.find(({ record }) => record.init);
  for (const each of containers) each.record.waiting = firstInit !== undefined && each !== firstInit;
  return firstInit === undefined ? containers : [firstInit];
}

/** What is to start now of what waits: the next init container, or when all of them have succeeded the pod's containers. */
export function nextToStart<C extends { readonly record: Lived }>(containers: readonly C[]): readonly C[] {
  const waiting = containers.filter(({ record }) => record.waiting);
  if (waiting.length === 0) return [];
  const inits = containers.filter(({ record }) => record.init);
  const before = inits.filter(({ record }) => !record.waiting);
  if (before.some(({ record }) => record.state !== 'succeeded')) return [];
  const next = inits.find(({ record }) => record.waiting);
  return next === undefined ? waiting : [next];
}

/** Why none of what waits will start; undefined: it may. */
export function initFailure(
  containers: readonly { readonly record: Lived; readonly stopping: boolean }[],
  pod: { readonly name: string },
): HyperError | undefined {
  const failed = containers.find(
    ({ record: { init, state, restarting } }) => init && state === 'failed' && !restarting,
  );
  if (failed !== undefined) {
    const { name, exitCode, error } = failed.record;
    const how = error === null ? `ended with exit code ${exitCode ?? 255}` : `could not be run: ${error}`;
    return new HyperError('init_failed', `init container ${name} ${how}: see 'hyper logs ${pod.name}/${name}'`);
  }
  if (!containers.some(({ stopping, record }) => stopping && record.waiting)) return undefined;
  return new HyperError('init_failed', `pod ${pod.name} was stopped before its init containers had ended`);
}
