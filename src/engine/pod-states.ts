import { HyperError } from '../lib/errors.ts';
import type { PodState } from '../store/index.ts';

/**
 * The life of a pod and of a container:
 *
 * | from | to | when |
 * |---|---|---|
 * | (none) | pending | created |
 * | pending | running | its first process runs; a pod's: those of all of its containers do, or its first init container |
 * | pending | failed | it could not be started |
 * | running | paused | a user has paused it: its processes are frozen |
 * | paused | running | unpaused |
 * | running, paused | succeeded | its first process ended with 0; a pod's: all have, and none is to start again |
 * | running, paused | failed | one ended with another code, or its VM went away |
 * | succeeded, failed | pending | started again, by a user or its restart policy |
 */
const next: Readonly<Record<PodState, readonly PodState[]>> = {
  pending: ['running', 'failed'],
  running: ['paused', 'succeeded', 'failed'],
  paused: ['running', 'succeeded', 'failed'],
  succeeded: ['pending'],
  failed: ['pending'],
};

export function checkTransition(from: PodState, to: PodState): PodState {
  if (!next[from].includes(to)) throw new HyperError('internal', `a pod cannot go from ${from} to ${to}`);
  return to;
}
