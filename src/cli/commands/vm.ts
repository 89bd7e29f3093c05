import type { Command } from 'commander';
import { bounds } from '../../contract/bounds.ts';
import type { Cli } from '../cli.ts';
import { forEachTarget } from '../each-target.ts';
import { addExamples } from '../examples.ts';
import { given } from '../given.ts';
import { parseBounded } from '../values/container-values.ts';
import { parseMebibytes } from '../values/memory.ts';

interface VmOptions {
  readonly cpu?: number;
  readonly memory?: number;
}

export function define(command: Command, cli: Cli): void {
  command
    .helpOption('-h, --help', 'print this help')
    .option('-c, --cpu <number>', 'virtual CPUs (default: 1)', (text) => parseBounded(text, '--cpu', bounds.vcpus))
    .option('-m, --memory <size>', 'its memory in MB, or as 512m, 2g (default: 128)', (text) =>
      parseMebibytes(text, '--memory', bounds.memoryMiB),
    )
    .action(async ({ cpu, memory }: VmOptions) => {
      const request = { ...given('vcpus', cpu), ...given('memoryMiB', memory) };
      cli.print((await (await cli.connect()).vmCreate(request)).id);
    });
  command
    .command('rm')
    .description('End VMs that wait for a pod')
    .helpOption('-h, --help', 'print this help')
    .argument('<vm...>', 'ids of VMs, or the beginning of one')
    .action(async (vms: readonly string[]) => {
      const client = await cli.connect();
      await forEachTarget(vms, cli, async (vm) => (await client.vmRemove(vm)).id);
    });
  addExamples(command, [
    ['hyper vm -c 2 -m 512', 'a VM that waits for a pod of this shape'],
    ['hyper start web vm-pqEnBvQVdS', "the pod 'web' starts in it"],
    ['hyper list vm', 'those that wait are idle'],
    ['hyper vm rm vm-pqEnBvQVdS', 'end it'],
  ]);
}
