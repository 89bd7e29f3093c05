import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { addPodAction } from '../each-pod.ts';
import { addExamples } from '../examples.ts';
import { askAgain } from '../outlive-daemon.ts';

export function define(command: Command, cli: Cli): void {
  addPodAction(command, cli, async (client, pod) => {
    const { exitCode } = await askAgain({ client, cli }, () => client.podWait(pod));
    return String(exitCode);
  });
  addExamples(command, [['hyper wait job', 'wait for it and print its exit code']]);
}
