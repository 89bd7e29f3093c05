import { HyperError } from '../lib/errors.ts';
import type { PodState } from '../store/index.ts';

/**
 * The life of a pod and of a container:
 *
 * | from | to | when |
 * |---|---|---|
 * | (none) | pending | created |
 * | pending | running | its first process runs |
 * | pending | failed | it could not be started |
 * | running | succeeded | its first process ended with 0 |
 * | running | failed | it ended with another code, or its VM went away |
 * | succeeded, failed | pending | started again |
 */
const next: Readonly<Record<PodState, readonly PodState[]>> = {
  pending: ['running', 'failed'],
  running: ['succeeded', 'failed'],
  succeeded: ['pending'],
  failed: ['pending'],
};

export function checkTransition(from: PodState, to: PodState): PodState {
  if (!next[from].includes(to)) throw new HyperError('internal', `a pod cannot go from ${from} to ${to}`);
  return to;
}
