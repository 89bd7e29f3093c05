import type { Command } from 'commander';
import type { HyperClient } from '../../client/index.ts';
import { isRunning, unlessAlreadySo } from '../already-so.ts';
import { addWaitOptions, awaitReady, type WaitOptions } from '../await-ready.ts';
import type { Cli } from '../cli.ts';
import { forEachTarget } from '../each-target.ts';
import { addExamples } from '../examples.ts';
import { runFailure } from '../run-failure.ts';
import { runAttached } from '../terminal/attached-process.ts';
import { defaultDetachKeys, parseDetachKeys } from '../terminal/detach-keys.ts';
import { unlessMissing } from '../unless-missing.ts';
import { UsageError } from '../usage-error.ts';
import { isVmId } from '../values/vm-id.ts';
import { warn } from '../warn.ts';

interface StartOptions extends WaitOptions {
  readonly attach?: boolean;
  readonly container?: boolean;
  readonly interactive?: boolean;
  readonly detachKeys: string;
}

export function define(command: Command, cli: Cli): void {
  addWaitOptions(command)
    .argument('<pod...>', "names or ids of pods, or the beginning of an id; or a pod and a VM of 'hyper vm'")
    .option('-c, --container', 'they are containers of pods that run')
    .option('-a, --attach', 'attach to its output, and exit with its code')
    .option('-i, --interactive', 'send our stdin to the process (with -a)')
    .option('--detach-keys <keys>', 'keys that leave the process running', defaultDetachKeys)
    .action(async (pods: readonly string[], options: StartOptions) => {
      const isOther = options.attach === true || options.interactive === true || options.container === true;
      if (options.wait === true && isOther)
        throw new UsageError('--wait is for pods that are left running: drop -a, -i and -c');
      if (options.attach === true || options.interactive === true) {
        cli.exitCode = await startAttached(pods, options, cli);
        return;
      }
      const client = await cli.connect();
      const [pod, vm] = pods;
      if (pod !== undefined && vm !== undefined && pods.length === 2 && isVmId(vm) && !(await isPod(client, vm))) {
        if (options.container === true) throw new UsageError('-c starts containers of pods that run: leave out the VM');
        warn(...(await client.podStart(pod, { vm })).warnings);
        cli.print(pod);
        return;
      }
      await forEachTarget(pods, cli, async (pod) => {
        if (options.container === true) {
          const ofContainer = async (): Promise<boolean> => isRunning(await client.containerInspect(pod));
          await unlessAlreadySo(client.containerStart(pod), ofContainer);
          return pod;
        }
        const started = await unlessAlreadySo(client.podStart(pod), async () =>
          isRunning(await client.podInspect(pod)),
        );
        warn(...(started?.warnings ?? []));
        if (options.wait === true) await awaitReady(client, pod, options);
        return pod;
      });
    });
  addExamples(command, [
    ['hyper start web db', 'start two pods'],
    ['hyper start -c sidecar', 'start one container of a pod that runs'],
    ['hyper start web vm-pqEnBvQVdS', "in a VM that 'hyper vm' has made"],
    ['hyper start --wait web', 'until its containers are ready'],
    ['hyper start -ai shell', 'start a pod and attach to it'],
  ]);
}

/** A pod may be called as VMs are. */
async function isPod(client: HyperClient, name: string): Promise<boolean> {
  return (await unlessMissing(client.podInspect(name))) !== undefined;
}

async function startAttached(pods: readonly string[], options: StartOptions, cli: Cli): Promise<number> {
  const [pod] = pods;
  if (pod === undefined || pods.length > 1) throw new UsageError('-a attaches to one pod: start the others without it');
  parseDetachKeys(options.detachKeys);
  try {
    const client = await cli.connect();
    const container = await client.containerInspect(pod);
    const stdin = options.interactive === true && container.stdin;
    return await runAttached({
      open: (handlers) => client.podAttach(pod, { start: true, stdin }, handlers),
      tty: container.tty,
      stdin,
      detachKeys: options.detachKeys,
      running: false,
    });
  } catch (error) {
    throw runFailure(error);
  }
}
