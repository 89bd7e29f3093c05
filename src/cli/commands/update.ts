import type { Command } from 'commander';
import { bounds } from '../../contract/bounds.ts';
import type { PodUpdate } from '../../contract/index.ts';
import type { Cli } from '../cli.ts';
import { forEachTarget } from '../each-target.ts';
import { addExamples } from '../examples.ts';
import { UsageError } from '../usage-error.ts';
import { parseBounded } from '../values/container-values.ts';
import { parseRate } from '../values/egress.ts';
import { parseCpus, parsePidsLimit } from '../values/limits.ts';
import { parseBytes, parseMebibytes } from '../values/memory.ts';
import { parseRestart } from '../values/restart.ts';

type Limit<T> = T | 'none';

interface UpdateOptions {
  readonly container?: boolean;
  readonly cpus?: Limit<number>;
  readonly pidsLimit?: Limit<number>;
  readonly memory?: Limit<number>;
  readonly cpu?: number;
  readonly storage?: number;
  readonly diskRate?: Limit<number>;
  readonly diskIops?: Limit<number>;
  readonly netRate?: Limit<NonNullable<PodUpdate['rate']>>;
  readonly restart?: ReturnType<typeof parseRestart>;
}

/** `none` takes a limit away (commander takes null for no value at all). */
const orNone =
  <T>(parse: (text: string) => T) =>
  (text: string): Limit<T> =>
    text === 'none' ? 'none' : parse(text);

const limitOf = <T>(limit: Limit<T>): T | null => (limit === 'none' ? null : limit);

export function define(command: Command, cli: Cli): void {
  command
    .argument('<pod...>', 'names or ids of pods or containers')
    .option('-c, --container', 'they are containers: --memory is their own bound in the VM')
    .option('--cpus <number|none>', "processor time, as 1.5: of a container, or of a pod's first", orNone(parseCpus))
    .option('--pids-limit <number|none>', 'processes and threads, of the same', orNone(parsePidsLimit))
    .option(
      '-m, --memory <size|none>',
      "with -c: a container's, at most its VM's; else the VM's, while it does not run",
      orNone((text) => parseMebibytes(text, '--memory', bounds.memoryLimitMiB)),
    )
    .option('--cpu <number>', 'virtual CPUs, while it does not run', (text) =>
      parseBounded(text, '--cpu', bounds.vcpus),
    )
    .option('--storage <size>', 'the writable layer, while it does not run: larger', (text) =>
      parseMebibytes(text, '--storage', bounds.storageMiB),
    )
    .option(
      '--disk-rate <size|none>',
      'bytes a second of the writable layer, or as 10m',
      orNone((text) => parseBytes(text, '--disk-rate', { ...bounds.diskBytesPerSecond, example: '10m' })),
    )
    .option(
      '--disk-iops <number|none>',
      'reads and writes a second of the writable layer',
      orNone((text) => parseBounded(text, '--disk-iops', bounds.diskIops)),
    )
    .option('--net-rate <in[:out]|none>', 'bits a second to and from the pod: 10mbit:512kbit', orNone(parseRate))
    .option('--restart <policy>', 'when it has ended: never, onFailure[:number] or always', parseRestart)
    .action(async (pods: readonly string[], options: UpdateOptions) => {
      const update = updateOf(options);
      const client = await cli.connect();
      await forEachTarget(pods, cli, async (pod) => {
        if (options.container === true) {
          const { id } = await client.containerInspect(pod);
          await client.podUpdate(id, update);
        } else await client.podUpdate(pod, update);
        return pod;
      });
    });
  addExamples(command, [
    ['hyper update --cpus 0.5 --disk-rate 10m web', 'while it runs, and at each of its starts'],
    ['hyper update -c --memory 64m web/sidecar', 'bound a container in its VM'],
    ['hyper update --cpus none --net-rate none web', 'take limits away'],
    ['hyper update --cpu 2 --memory 1g --storage 20g web', 'the VM of a pod that is stopped, for its next start'],
  ]);
}

function updateOf(options: UpdateOptions): PodUpdate {
  const { container = false, cpus, pidsLimit, memory, cpu, storage, diskRate, diskIops, netRate, restart } = options;
  if (memory === 'none' && !container)
    throw new UsageError("--memory none is of containers: give -c, or the VM's memory");
  if (typeof memory === 'number' && !container) parseMebibytes(`${memory}m`, '--memory', bounds.memoryMiB);
  const ofPod: PodUpdate = {
    ...(cpu === undefined ? {} : { vcpus: cpu }),
    ...(memory === undefined || memory === 'none' || container ? {} : { memoryMiB: memory }),
    ...(storage === undefined ? {} : { storageMiB: storage }),
    ...(diskRate === undefined ? {} : { diskBytesPerSecond: limitOf(diskRate) }),
    ...(diskIops === undefined ? {} : { diskIops: limitOf(diskIops) }),
    ...(netRate === undefined ? {} : { rate: limitOf(netRate) ?? {} }),
    ...restart,
  };
  const [wrong] = Object.keys(ofPod);
  if (container && wrong !== undefined)
    throw new UsageError(`-c names containers, and ${wrong} is their pod's: leave one`);
  const update: PodUpdate = {
    ...ofPod,
    ...(cpus === undefined ? {} : { cpus: limitOf(cpus) }),
    ...(pidsLimit === undefined ? {} : { pidsLimit: limitOf(pidsLimit) }),
    ...(memory === undefined || !container ? {} : { memoryLimitMiB: limitOf(memory) }),
  };
  if (Object.keys(update).length === 0) throw new UsageError('say what is to change, as --cpus 0.5');
  return update;
}
