import type { Command } from 'commander';
import { hasEnded, unlessAlreadySo } from '../already-so.ts';
import type { Cli } from '../cli.ts';
import { forEachTarget } from '../each-target.ts';
import { addExamples } from '../examples.ts';
import { addPatience, type Patience, patienceOf } from '../patience.ts';

interface StopOptions extends Patience {
  readonly signal?: string;
  readonly container?: boolean;
}

export function define(command: Command, cli: Cli): void {
  addPatience(
    command
      .argument('<pod...>', 'names or ids of pods, or the beginning of an id')
      .option('-c, --container', 'they are containers: the others of their pods go on')
      .option('-s, --signal <signal>', 'ask it by this (default: its stop signal)'),
  ).action(async (pods: readonly string[], options: StopOptions) => {
    const client = await cli.connect();
    await forEachTarget(pods, cli, async (pod) => {
      const how = { ...patienceOf(options), stopSignal: options.signal };
      const stopping = options.container === true ? client.containerStop(pod, how) : client.podStop(pod, how);
      const now = () => (options.container === true ? client.containerInspect(pod) : client.podInspect(pod));
      await unlessAlreadySo(stopping, async () => hasEnded(await now()));
      return pod;
    });
  });
  addExamples(command, [
    ['hyper stop web', 'ask it to end, and kill it after 10 seconds'],
    ['hyper stop -t 0 web', 'do not wait'],
  ]);
}
