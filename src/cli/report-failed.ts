import type { Pruned } from '../contract/index.ts';
import type { Cli } from './cli.ts';

/** What a prune could not remove: each in a line, and the exit code is 1. */
export function reportFailed(failed: Pruned['failed'], cli: Cli): void {
  for (const { name, reason } of failed) cli.note(`hyper: ${name} could not be removed: ${reason}`);
  if (failed.length > 0) cli.exitCode = 1;
}
