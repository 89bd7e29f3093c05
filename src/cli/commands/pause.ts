import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { forEachTarget } from '../each-target.ts';
import { addExamples } from '../examples.ts';

export function define(command: Command, cli: Cli): void {
  command
    .argument('<pod...>', 'names or ids of pods, or the beginning of an id')
    .action(async (pods: readonly string[]) => {
      const client = await cli.connect();
      await forEachTarget(pods, cli, async (pod) => {
        await client.podPause(pod);
        return pod;
      });
    });
  addExamples(command, [['hyper pause web', 'its processes stand still; its memory and its network stay']]);
}
