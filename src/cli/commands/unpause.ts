import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { addPodAction } from '../each-pod.ts';
import { addExamples } from '../examples.ts';

export function define(command: Command, cli: Cli): void {
  addPodAction(command, cli, async (client, pod) => {
    await client.podUnpause(pod);
    return pod;
  });
  addExamples(command, [['hyper unpause web', 'its processes go on']]);
}
