import type { Command } from 'commander';
import { bounds, textForms } from '../contract/bounds.ts';
import type { PodSpec } from '../contract/index.ts';
import { addNetworkOptions, networkSpecOf, type PodNetworkOptions } from './network-options.ts';
import { collect } from './collect.ts';
import { given } from './given.ts';
import { addHealthOptions, type HealthOptions, healthCheckOf } from './health-options.ts';
import { addLimitOptions, containerLimitsOf, type LimitOptions, podLimitsOf, vcpusOf } from './limit-options.ts';
import { refuseOption } from './refused-option.ts';
import { UsageError } from './usage-error.ts';
import {
  parseLabels,
  parseChoice,
  parseTmpfs,
  parseUlimit,
  parseBounded,
  parseForm,
} from './values/container-values.ts';
import { collectVariables } from './values/environment.ts';
import { parseMebibytes } from './values/memory.ts';
import { parseMount } from './values/mount-option.ts';
import { parseRestart } from './values/restart.ts';
import { parseVolume } from './values/volume-option.ts';
import type { StreamChoice } from './terminal/stream-choice.ts';

export const pullPolicies = ['always', 'missing', 'never'] as const;
export type PullPolicy = (typeof pullPolicies)[number];

/** What `run` and `create` are told about the pod, as commander gives it. */
export interface PodOptions extends PodNetworkOptions, LimitOptions, HealthOptions {
  readonly name?: string;
  readonly interactive?: boolean;
  readonly tty?: boolean;
  readonly rm?: boolean;
  readonly restart?: string;
  readonly env?: readonly string[];
  readonly envFile?: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly entrypoint?: string;
  readonly hostname?: string;
  readonly memory?: number;
  readonly storage?: number;
  readonly readOnly?: boolean;
  readonly label?: readonly string[];
  readonly tmpfs?: readonly string[];
  readonly volume?: readonly string[];
  readonly mount?: readonly string[];
  readonly ulimit?: readonly string[];
  readonly stopSignal?: string;
  readonly pull: PullPolicy;
}

/** The options that make a pod: the same for `run` and `create`. */
export function addPodOptions(command: Command): Command {
  addNetworkOptions(command);
  command
    .argument('[image]', 'the image to run; none for a pod file')
    .argument('[command...]', "the command and its arguments: replaces the image's")
    .option('--name <name>', "the pod's name (default: the image's name and ten digits)")
    .option('-i, --interactive', 'send our stdin to the process (default: when it is a terminal)')
    .option('-t, --tty', 'give the process a terminal (default: when stdin and stdout are terminals)')
    .option('--no-tty', 'give it none, even in a terminal')
    .option('--rm', 'remove the pod when it has ended')
    .option('--restart <policy>', 'when it has ended: never (the default), onFailure[:number] or always')
    .option('-e, --env <name=value>', 'set a variable; a NAME alone passes on our own', collect)
    .option('--env-file <file>', 'read variables from a file', collect)
    .option('-w, --workdir <path>', 'the working directory', (text) =>
      parseForm(text, '--workdir', textForms.absolutePath),
    )
    .option('-u, --user <name|uid[:group|gid]>', 'run as this user')
    .option('--entrypoint <program>', "run this program in place of the image's entrypoint")
    .option('--hostname <name>', "the pod's hostname (default: its name)", (text) =>
      parseForm(text, '--hostname', textForms.hostname),
    )
    .option('--cpu <number>', 'virtual CPUs (default: as many as --cpus needs, else 1)', (text) =>
      parseBounded(text, '--cpu', bounds.vcpus),
    )
    .option('-m, --memory <size>', "the VM's memory in MB, or as 512m, 2g (default: 128)", (text) =>
      parseMebibytes(text, '--memory', bounds.memoryMiB),
    )
    .option('--storage <size>', 'the writable layer in MB, or as 512m, 20g (default: 10g)', (text) =>
      parseMebibytes(text, '--storage', bounds.storageMiB),
    );
  addLimitOptions(command)
    .option('--read-only', 'make the root file system read-only')
    .option('--label <name=value>', 'label the pod', collect)
    .option('--tmpfs <path[:options]>', 'mount a file system in memory: /tmp:size=64m,mode=1777', collect)
    .option(
      '-v, --volume <[source:]path[:options]>',
      'mount a folder, file or socket of this host, or a volume: ./src:/src:ro, data:/data, /cache',
      collect,
    )
    .option(
      '--mount <fields>',
      'the same in words: type=bind|volume|disk|nfs|tmpfs,source=…,target=…,readonly',
      collect,
    )
    .option('--ulimit <name=soft[:hard]>', 'limit the process: nofile=1024:2048', collect)
    .option('--stop-signal <signal>', "what 'hyper stop' sends (default: the image's, else TERM)")
    .option('--log-driver <name>', "json-file, as 'hyper logs' reads it: there is no other", parseLogDriver);
  refuseOption(command, '--log-opt <name=value>', 'logs are kept whole until the pod is removed: leave it out');
  refuseOption(command, '--stop-timeout <seconds>', "no pod keeps one: give --timeout to 'hyper stop'");
  return addHealthOptions(command).option(
    '--pull <policy>',
    'pull the image: always, missing or never',
    (text) => parseChoice(text, '--pull', pullPolicies),
    'missing',
  );
}

/** The pod that the options describe. @param env ours: where `-e NAME` gets its value. */
export function podSpecOf(
  image: string,
  command: readonly string[],
  options: PodOptions,
  streams: StreamChoice & { readonly attached: boolean; readonly size: { rows: number; cols: number } | undefined },
  env: Readonly<Record<string, string | undefined>>,
): PodSpec {
  if (image === '') throw new UsageError("the image's name is empty: give one, as busybox");
  const variables = collectVariables(options.env ?? [], options.envFile ?? [], env);
  const { entrypoint, label, ulimit, volume = [], mount = [], tmpfs = [] } = options;
  const parsed = mount.map(parseMount);
  const mounts = [...volume.map(parseVolume), ...parsed.flatMap((each) => ('mount' in each ? [each.mount] : []))];
  const inMemory = [...tmpfs.map(parseTmpfs), ...parsed.flatMap((each) => ('tmpfs' in each ? [each.tmpfs] : []))];
  return {
    ...given('name', options.name && parseForm(options.name, '--name', textForms.podName)),
    ...given('hostname', options.hostname),
    ...given('vcpus', vcpusOf(options)),
    ...given('memoryMiB', options.memory),
    ...given('storageMiB', options.storage),
    ...podLimitsOf(options),
    ...given('labels', label === undefined ? undefined : parseLabels(label)),
    ...(options.rm === true ? { autoRemove: true } : {}),
    ...(options.restart === undefined ? {} : parseRestart(options.restart)),
    ...networkSpecOf(options),
    containers: [
      {
        image,
        // Docker: an empty --entrypoint leaves the command alone.
        ...(entrypoint === undefined ? {} : { entrypoint: entrypoint === '' ? [] : [entrypoint] }),
        ...(command.length > 0 ? { command: [...command] } : {}),
        ...(variables.length > 0 ? { env: variables } : {}),
        ...given('workdir', options.workdir),
        ...given('user', options.user),
        ...given('stopSignal', options.stopSignal),
        ...(options.readOnly === true ? { readOnly: true } : {}),
        ...(inMemory.length > 0 ? { tmpfs: inMemory } : {}),
        ...(mounts.length > 0 ? { mounts } : {}),
        ...given('ulimits', ulimit?.map(parseUlimit)),
        ...containerLimitsOf(options),
        ...given('healthCheck', healthCheckOf(options)),
        tty: streams.tty,
        stdin: streams.stdin,
        // A tty stays open after a detach; a pipe's end is the end.
        ...(streams.stdin && streams.attached && !streams.tty ? { stdinOnce: true } : {}),
        ...(streams.tty ? given('terminalSize', streams.size) : {}),
      },
    ],
  };
}

function parseLogDriver(text: string): string {
  if (text === 'json-file') return text;
  throw new UsageError(`--log-driver is '${text}': hyperd keeps all output itself, as json-file does: leave it out`);
}
