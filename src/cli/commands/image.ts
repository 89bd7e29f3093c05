import type { Command } from 'commander';
import type { ImagesPruned } from '../../contract/index.ts';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { showBytes } from '../output/units.ts';
import { addPruneOptions, confirmed, parsePruneFilters, printDeleted, type PruneOptions } from '../prune.ts';
import { reportFailed } from '../report-failed.ts';
import { define as defineList } from './images.ts';
import { define as defineRemove } from './rmi.ts';

interface ImagePruneOptions extends PruneOptions {
  readonly all?: boolean;
}

export function define(command: Command, cli: Cli): void {
  command.helpOption('-h, --help', 'print this help');
  const subcommand = (name: string, description: string): Command =>
    command.command(name).description(description).helpOption('-h, --help', 'print this help');
  defineList(subcommand('ls', "List images: 'hyper images'").alias('list'), cli);
  defineRemove(subcommand('rm', "Remove images: 'hyper rmi'").alias('remove'), cli);
  definePrune(subcommand('prune', 'Remove images without a name that no pod was made from'), cli);
  addExamples(command, [
    ['hyper image prune', 'asks, and removes what a newer image of its name has replaced'],
    ['hyper image prune -a --filter until=240h', 'all that no pod was made from, older than ten days'],
  ]);
}

function definePrune(command: Command, cli: Cli): void {
  addPruneOptions(command.option('-a, --all', 'those with a name too')).action(
    async ({ all = false, force = false, filter = [] }: ImagePruneOptions) => {
      const request = parsePruneFilters(filter, Date.now());
      if (!force && !(await confirmed(whichImages(all)))) return;
      const pruned = await (await cli.connect()).imagePrune({ ...request, all });
      printImages(pruned, cli);
      cli.print(`Total reclaimed space: ${showBytes(pruned.freedBytes)}`);
      reportFailed(pruned.failed, cli);
    },
  );
}

export function whichImages(all: boolean): string {
  return all ? 'all images that no pod was made from.' : 'all images without a name that no pod was made from.';
}

export function printImages({ untagged, deleted }: ImagesPruned, cli: Cli): void {
  const lines = [...untagged.map((tag) => `untagged: ${tag}`), ...deleted.map((digest) => `deleted: ${digest}`)];
  printDeleted('Images', lines, cli);
}
