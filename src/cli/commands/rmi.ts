import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { forEachTarget } from '../each-target.ts';
import { addExamples } from '../examples.ts';

interface RmiOptions {
  readonly force?: boolean;
}

export function define(command: Command, cli: Cli): void {
  command
    .argument('<image...>', 'names or ids of images')
    .option('-f, --force', 'also when pods that have ended use it')
    .option('--no-prune', 'keep untagged parents (there are none: for those who type docker’s)')
    .action(async (images: readonly string[], options: RmiOptions) => {
      const client = await cli.connect();
      await forEachTarget(images, cli, async (image) => {
        const { untagged, deleted } = await client.imageRemove(image, { force: options.force });
        const lines = [...untagged.map((tag) => `Untagged: ${tag}`), ...deleted.map((id) => `Deleted: ${id}`)];
        return lines.length === 0 ? undefined : lines.join('\n');
      });
    });
  addExamples(command, [['hyper rmi busybox alpine:3', 'remove two images']]);
}
