import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { forEachTarget } from '../each-target.ts';
import { addExamples } from '../examples.ts';

interface RmOptions {
  readonly force?: boolean;
  readonly container?: boolean;
  readonly volumes?: boolean;
}

export function define(command: Command, cli: Cli): void {
  command
    .argument('<pod...>', 'names or ids of pods, or the beginning of an id')
    .option('-c, --container', 'they are containers: the others of their pods stay')
    .option('-f, --force', 'kill it first when it runs')
    .option('-v, --volumes', 'remove its volumes without a name too')
    .action(async (pods: readonly string[], options: RmOptions) => {
      const client = await cli.connect();
      await forEachTarget(pods, cli, async (pod) => {
        if (options.container === true) await client.containerRemove(pod, { force: options.force });
        else await client.podRemove(pod, { force: options.force, volumes: options.volumes });
        return pod;
      });
    });
  addExamples(command, [
    ['hyper rm web', 'remove a pod that has ended'],
    ['hyper rm -f $(hyper list -q)', 'remove them all'],
  ]);
}
