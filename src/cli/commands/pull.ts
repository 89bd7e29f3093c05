import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { pullImage } from '../pull-image.ts';

interface PullOptions {
  readonly quiet?: boolean;
}

export function define(command: Command, cli: Cli): void {
  command
    .argument('<image>', 'the image: NAME[:TAG] or NAME@DIGEST')
    .option('-q, --quiet', 'print only what was pulled')
    .action(async (image: string, options: PullOptions) => {
      const quiet = options.quiet === true;
      const { reference, changed } = await pullImage(await cli.connect(), image, cli, quiet);
      if (!quiet) cli.note(`Status: ${changed ? 'Downloaded newer image' : 'Image is up to date'} for ${reference}`);
      cli.print(reference);
    });
  addExamples(command, [
    ['hyper pull alpine', 'the tag latest'],
    ['hyper pull localhost:5000/team/app:2', 'from another registry'],
  ]);
}
