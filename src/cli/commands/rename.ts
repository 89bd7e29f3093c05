import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';

export function define(command: Command, cli: Cli): void {
  command
    .argument('<pod>', 'name or id of a pod or a container')
    .argument('<new-name>', 'a name that no other has')
    .action(async (pod: string, name: string) => {
      await (await cli.connect()).podRename(pod, name);
    });
  addExamples(command, [
    ['hyper rename web old', 'others of its networks find it by that at once; its hostname stays'],
    ['hyper rename web/sidecar proxy', 'a container of a pod'],
  ]);
}
