import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { forEachTarget } from '../each-target.ts';
import { addExamples } from '../examples.ts';
import { unlessMissing } from '../unless-missing.ts';
import { isVmId } from '../values/vm-id.ts';

interface KillOptions {
  readonly pod?: boolean;
  readonly signal: string;
}

export function define(command: Command, cli: Cli): void {
  command
    .argument('<pod...>', "names or ids of pods, or the beginning of an id; or VMs of 'hyper vm', which end")
    .option('-p, --pod', 'they are pods, and no VMs')
    .option('-s, --signal <signal>', 'a name or number: TERM, SIGHUP, 9', 'KILL')
    .action(async (pods: readonly string[], options: KillOptions) => {
      const client = await cli.connect();
      await forEachTarget(pods, cli, async (pod) => {
        const killing = client.podKill(pod, { killSignal: options.signal });
        // A pod may be called as VMs are.
        const killed = options.pod !== true && isVmId(pod) ? await unlessMissing(killing) : await killing;
        return killed === undefined ? (await client.vmRemove(pod)).id : pod;
      });
    });
  addExamples(command, [
    ['hyper kill web', 'end it at once'],
    ['hyper kill -s HUP web', 'many servers read their configuration again'],
  ]);
}
