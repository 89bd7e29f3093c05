import type { Command } from 'commander';
import type { HyperClient } from '../../client/index.ts';
import { HyperError } from '../../lib/errors.ts';
import { hasEnded, unlessAlreadySo } from '../already-so.ts';
import type { Cli } from '../cli.ts';
import { forEachTarget } from '../each-target.ts';
import { addExamples } from '../examples.ts';
import { addPatience, type Patience, patienceOf } from '../patience.ts';
import { warn } from '../warn.ts';

export function define(command: Command, cli: Cli): void {
  addPatience(command.argument('<pod...>', 'names or ids of pods, or the beginning of an id')).action(
    async (pods: readonly string[], options: Patience) => {
      const client = await cli.connect();
      await forEachTarget(pods, cli, async (pod) => {
        await restart(client, pod, patienceOf(options));
        return pod;
      });
    },
  );
  addExamples(command, [
    ['hyper restart web', 'stop it and start it, with the files that it has written'],
    ['hyper restart -t 0 web', 'do not wait for its end'],
  ]);
}

/** As docker's: one that does not run is started. */
async function restart(client: HyperClient, pod: string, patience: ReturnType<typeof patienceOf>): Promise<void> {
  const { state, autoRemove, name } = await client.podInspect(pod);
  if (autoRemove && state !== 'pending') {
    throw new HyperError('conflict', `pod ${name} was made with --rm: it is gone once it has ended, so run it again`);
  }
  await unlessAlreadySo(client.podStop(pod, patience), async () => hasEnded(await client.podInspect(pod)));
  warn(...(await client.podStart(pod)).warnings);
}
