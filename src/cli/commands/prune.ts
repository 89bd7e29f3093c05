import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { showBytes } from '../output/units.ts';
import { addPruneOptions, confirmed, parsePruneFilters, printDeleted, type PruneOptions } from '../prune.ts';
import { reportFailed } from '../report-failed.ts';

export function define(command: Command, cli: Cli): void {
  addPruneOptions(command).action(async ({ force = false, filter = [] }: PruneOptions) => {
    const request = parsePruneFilters(filter, Date.now());
    if (!force && !(await confirmed('all pods that have ended.'))) return;
    const { removed, failed, freedBytes } = await (await cli.connect()).podPrune(request);
    printDeleted('Pods', removed, cli);
    cli.print(`Total reclaimed space: ${showBytes(freedBytes)}`);
    reportFailed(failed, cli);
  });
  addExamples(command, [
    ['hyper prune', 'asks, and removes the pods that have ended'],
    ['hyper prune -f --filter until=24h', 'of those, what is older than a day'],
  ]);
}
