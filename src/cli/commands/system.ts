import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { diskUseColumns, diskUseDetails, diskUseRow } from '../output/disk-use-rows.ts';
import { formatList } from '../output/list-format.ts';
import { showBytes } from '../output/units.ts';
import { addPruneOptions, confirmed, parsePruneFilters, printDeleted, type PruneOptions } from '../prune.ts';
import { reportFailed } from '../report-failed.ts';
import { UsageError } from '../usage-error.ts';
import { printImages, whichImages } from './image.ts';

export function define(command: Command, cli: Cli): void {
  command.helpOption('-h, --help', 'print this help');
  const subcommand = (name: string, description: string): Command =>
    command.command(name).description(description).helpOption('-h, --help', 'print this help');
  defineDf(subcommand('df', 'Print what is on the disk, and what of it could go'), cli);
  definePrune(subcommand('prune', 'Remove pods that have ended, and networks and images that no pod has'), cli);
  addExamples(command, [
    ['hyper system df', 'images, pods, volumes, templates, caches'],
    ['hyper system df -v', 'each of them'],
    ['hyper system prune', 'asks, and removes what nobody uses'],
    ['hyper system prune -a --volumes', 'with named images, and volumes without a name'],
  ]);
}

interface DfOptions {
  readonly verbose?: boolean;
  readonly format?: string;
}

function defineDf(command: Command, cli: Cli): void {
  command
    .option('-v, --verbose', 'each image, pod, volume, template and cache')
    .option('--format <format>', "table, json, or a template: '{{.Type}} {{.Size}}'")
    .action(async ({ verbose = false, format }: DfOptions) => {
      if (verbose && format !== undefined && format !== 'json') throw new UsageError('-v takes --format json alone');
      const uses = await (await cli.connect()).diskUsage();
      if (verbose) {
        cli.print(format === 'json' ? JSON.stringify(uses) : diskUseDetails(uses, Date.now()));
        return;
      }
      const text = formatList(uses.map(diskUseRow), { format, columns: diskUseColumns });
      if (text !== null) cli.print(text);
    });
}

interface SystemPruneOptions extends PruneOptions {
  readonly all?: boolean;
  readonly volumes?: boolean;
}

function definePrune(command: Command, cli: Cli): void {
  command.option('-a, --all', 'images with a name too').option('--volumes', 'volumes without a name too');
  addPruneOptions(command).action(
    async ({ all = false, volumes = false, force = false, filter = [] }: SystemPruneOptions) => {
      const request = parsePruneFilters(filter, Date.now());
      if (volumes && request.until !== undefined) {
        throw new UsageError('--filter until is not of volumes: leave out one of them');
      }
      const things = [
        'all pods that have ended',
        'all networks that no pod is made for',
        ...(volumes ? ['all volumes without a name that no pod has'] : []),
        whichImages(all).slice(0, -1),
      ];
      if (!force && !(await confirmed(`:${things.map((thing) => `\n  - ${thing}`).join('')}\n`))) return;
      const client = await cli.connect();
      // Pods first: what they had is nobody's then.
      const pods = await client.podPrune(request);
      printDeleted('Pods', pods.removed, cli);
      const networks = await client.networkPrune(request);
      printDeleted('Networks', networks.removed, cli);
      const { labels = [] } = request;
      const ofVolumes = volumes ? await client.volumePrune({ labels }) : { removed: [], failed: [], freedBytes: 0 };
      printDeleted('Volumes', ofVolumes.removed, cli);
      const images = await client.imagePrune({ ...request, all });
      printImages(images, cli);
      cli.print(`Total reclaimed space: ${showBytes(pods.freedBytes + ofVolumes.freedBytes + images.freedBytes)}`);
      reportFailed([...pods.failed, ...networks.failed, ...ofVolumes.failed, ...images.failed], cli);
    },
  );
}
