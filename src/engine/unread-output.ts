import type { AwaitedOutput } from './pod-run.ts';

/**
 * The output of a process that an earlier hyperd started and whose reader has gone: no consumer is registered with the
 * agent, which takes it as it comes, and the process is not held.
 */
export class UnreadOutput implements AwaitedOutput {
  readonly ended = Promise.resolve();

  drain(): void {
    return undefined;
  }

  lost(): void {
    return undefined;
  }
}
