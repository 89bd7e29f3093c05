import type { Command } from 'commander';
import { HyperError } from '../../lib/errors.ts';
import type { Cli } from '../cli.ts';
import { forEachTarget } from '../each-target.ts';
import { addExamples } from '../examples.ts';
import { isVmId } from '../values/vm-id.ts';

interface KillOptions {
  readonly signal: string;
}

export function define(command: Command, cli: Cli): void {
  command
    .argument('<pod...>', "names or ids of pods, or the beginning of an id; or VMs of 'hyper vm', which end")
    .option('-s, --signal <signal>', 'a name or number: TERM, SIGHUP, 9', 'KILL')
    .action(async (pods: readonly string[], options: KillOptions) => {
      const client = await cli.connect();
      await forEachTarget(pods, cli, async (pod) => {
        try {
          await client.podKill(pod, { killSignal: options.signal });
          return pod;
        } catch (error) {
          if (!isVmId(pod) || !(error instanceof HyperError && error.code === 'not_found')) throw error;
          return (await client.vmRemove(pod)).id;
        }
      });
    });
  addExamples(command, [
    ['hyper kill web', 'end it at once'],
    ['hyper kill -s HUP web', 'many servers read their configuration again'],
  ]);
}
