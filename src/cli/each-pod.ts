import type { Command } from 'commander';
import type { HyperClient } from '../client/index.ts';
import type { Cli } from './cli.ts';
import { forEachTarget } from './each-target.ts';

/** A command that does one thing to each pod named, and prints what it is given for it. */
export function addPodAction(
  command: Command,
  cli: Cli,
  act: (client: HyperClient, pod: string) => Promise<string>,
): Command {
  return command
    .argument('<pod...>', 'names or ids of pods, or the beginning of an id')
    .action(async (pods: readonly string[]) => {
      const client = await cli.connect();
      await forEachTarget(pods, cli, (pod) => act(client, pod));
    });
}
