import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { addPodAction } from '../each-pod.ts';
import { addExamples } from '../examples.ts';

export function define(command: Command, cli: Cli): void {
  addPodAction(command, cli, async (client, pod) => String((await client.podWait(pod)).exitCode));
  addExamples(command, [['hyper wait job', 'wait for it and print its exit code']]);
}
