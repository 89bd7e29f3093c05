import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { forEachTarget } from '../each-target.ts';
import { addExamples } from '../examples.ts';
import { parseWhole } from '../values/container-values.ts';

interface StopOptions {
  readonly timeout?: number;
  readonly container?: boolean;
}

export function define(command: Command, cli: Cli): void {
  command
    .argument('<pod...>', 'names or ids of pods, or the beginning of an id')
    .option('-c, --container', 'they are containers: the others of their pods go on')
    .option('-t, --timeout <seconds>', 'how long the process may take before it is killed (default: 10)', (text) =>
      parseWhole(text, '--timeout'),
    )
    .action(async (pods: readonly string[], options: StopOptions) => {
      const client = await cli.connect();
      await forEachTarget(pods, cli, async (pod) => {
        const patience = { timeoutSeconds: options.timeout };
        if (options.container === true) await client.containerStop(pod, patience);
        else await client.podStop(pod, patience);
        return pod;
      });
    });
  addExamples(command, [
    ['hyper stop web', 'ask it to end, and kill it after 10 seconds'],
    ['hyper stop -t 0 web', 'do not wait'],
  ]);
}
