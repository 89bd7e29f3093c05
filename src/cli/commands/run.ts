import type { Command } from 'commander';
import type { AttachHandlers, AttachSession, HyperClient } from '../../client/index.ts';
import type { PodSpec } from '../../contract/index.ts';
import { HyperError } from '../../lib/errors.ts';
import { addWaitOptions, awaitReady, type WaitOptions } from '../await-ready.ts';
import type { Cli } from '../cli.ts';
import { createPod, imagesOf, withImages } from '../create-pod.ts';
import { addExamples } from '../examples.ts';
import { addPodFileOptions, chooseFile, type PodFileOptions } from '../pod-file/pod-file-options.ts';
import { podOfFile } from '../pod-file/pod-of-file.ts';
import { readText, translateFile } from '../pod-file/read-pod-file.ts';
import { addPodOptions, podSpecOf, type PodOptions } from '../pod-options.ts';
import { runFailure } from '../run-failure.ts';
import { RunTiming } from '../output/run-timing.ts';
import { runAttached } from '../terminal/attached-process.ts';
import { defaultDetachKeys, parseDetachKeys } from '../terminal/detach-keys.ts';
import { standardStreams, terminalSize } from '../terminal/foreground.ts';
import { chooseStreams, type StreamChoice } from '../terminal/stream-choice.ts';
import { UsageError } from '../usage-error.ts';
import { warn } from '../warn.ts';

interface RunOptions extends PodOptions, PodFileOptions, WaitOptions {
  readonly attach?: boolean;
  readonly detach?: boolean;
  readonly detachKeys: string;
  readonly timing?: boolean;
}

/** What is to be run, as the command line says it. */
interface Wish {
  readonly attached: boolean;
  /** The pod, for which hyperd may have to read a file, and what it gets of our streams. */
  readonly pod: (client: HyperClient) => Promise<{ readonly spec: PodSpec; readonly streams: StreamChoice }>;
  /** It runs and is left running. */
  readonly detached: (id: string) => void;
}

export function define(command: Command, cli: Cli): void {
  addPodOptions(command.passThroughOptions())
    .option('-a, --attach', 'attach to it (default for an image; of a pod file, to its first container)')
    .option('-d, --detach', "leave it running and print the pod's id")
    .option('--detach-keys <keys>', 'keys that leave the process running', defaultDetachKeys)
    .option('--timing', 'print on stderr what the time of the run went to')
    .action(async (image: string | undefined, args: readonly string[], options: RunOptions) => {
      if (options.attach === true && options.detach === true) throw new UsageError('give one of --attach and --detach');
      parseDetachKeys(options.detachKeys);
      const file = chooseFile({ image, args }, options, command);
      const wish = file === undefined ? ofImage(image ?? '', args, options, cli) : await ofFile(file, options, cli);
      cli.exitCode = await run(wish, options, cli);
    });
  addWaitOptions(addPodFileOptions(command));
  addExamples(command, [
    ['hyper run ubuntu', 'a shell in Ubuntu'],
    ['hyper run --rm busybox uname -a', 'one command, and nothing is left'],
    ['hyper run -d --name web -p 8080:80 -m 512m nginx', 'a server in the background, on port 8080'],
    ['hyper run -d --cpu 2 --cpus 1.5 --pids-limit 200 nginx', 'one that may not take all'],
    ['hyper run --rm -v ./:/src -w /src gcc make', 'a folder of this machine in the pod'],
    ['hyper run -d -v data:/var/lib/data nginx', 'a volume, which outlives the pod'],
    ['tar c . | hyper run -i --rm busybox tar t', 'a pipe into the pod'],
    ['hyper run -d --wait --health-cmd "wget -qO- localhost" nginx', 'until it answers'],
    ['hyper run -p pod.json', 'the pod of a pod file, in the background'],
    ['hyper run -a --rm -k pod.yaml', 'the pod of a Kubernetes manifest, in the foreground'],
  ]);
}

function ofImage(image: string, args: readonly string[], options: RunOptions, cli: Cli): Wish {
  const streams = chooseStreams(options, standardStreams());
  const attached = options.detach !== true;
  const spec = podSpecOf(image, args, options, { ...streams, attached, size: terminalSize() }, cli.env);
  return {
    attached,
    pod: () => Promise.resolve({ spec, streams }),
    detached: (id) => cli.print(id),
  };
}

async function ofFile(file: NonNullable<ReturnType<typeof chooseFile>>, options: RunOptions, cli: Cli): Promise<Wish> {
  const attached = options.attach === true;
  const text = await readText(file.path);
  return {
    attached,
    pod: async (client) => {
      const terminal = { attached, stdinIsTaken: file.path === '-', streams: standardStreams(), size: terminalSize() };
      return podOfFile(await translateFile(client, file, text), options, terminal);
    },
    // In the first Hyper's words, which its users' scripts read.
    detached: (id) => {
      cli.print(options.detach === true ? id : `POD id is ${id}`);
      if (options.detach !== true) cli.note(`Time to run a POD is ${Math.round(performance.now())} ms`);
    },
  };
}

async function run({ attached, pod, detached }: Wish, options: RunOptions, cli: Cli): Promise<number> {
  if (attached && options.wait === true) throw new UsageError('--wait is for a pod that is left running: give -d too');
  const timing = new RunTiming();
  try {
    timing.lap('start of the client');
    const client = await cli.connect();
    timing.lap('connection to hyperd');
    const { spec, streams } = await pod(client);
    if (attached) return await runInForeground({ client, spec, streams }, timing, options, cli);
    const { id } = await createPod(client, spec, options.pull, cli);
    timing.lap(creation);
    try {
      const started = await client.podStart(id);
      warn(...started.warnings);
      timing.started(started.timing);
      if (options.timing === true) cli.note(timing.table());
    } catch (error) {
      if (options.rm === true) await abandon(client, id, options);
      throw error;
    }
    detached(id);
    if (options.wait === true) await awaitReady(client, id, options);
    return 0;
  } catch (error) {
    throw runFailure(error);
  }
}

const creation = 'request that creates the pod';

/** Creates, starts and follows it by one connection. */
async function runInForeground(
  { client, spec, streams }: { readonly client: HyperClient; readonly spec: PodSpec; readonly streams: StreamChoice },
  timing: RunTiming,
  options: RunOptions,
  cli: Cli,
): Promise<number> {
  const made: { id?: string } = {};
  const run = (handlers: AttachHandlers): Promise<AttachSession> =>
    client.podRun(
      spec,
      { stdin: streams.stdin },
      {
        ...handlers,
        created: (id) => {
          made.id = id;
          timing.lap(creation);
          // Who has read it may send signals: their handlers are there.
          cli.note(`POD id is ${id}`);
        },
        started: (podId, warnings, startTiming) => {
          timing.started(startTiming);
          handlers.started?.(podId, warnings, startTiming);
        },
      },
    );
  const exitCode = await runAttached({
    open: (handlers) => withImages(imagesOf(spec), options.pull, client, cli, () => run(handlers)),
    ...streams,
    detachKeys: options.detachKeys,
    running: false,
    // What hyperd is making when the connection ends, it takes back itself.
    abandon: async () => (made.id === undefined ? undefined : await abandon(client, made.id, options)),
  });
  timing.lap('process, its output and exit');
  if (options.timing === true) cli.note(timing.table());
  return exitCode;
}

/** As docker: what could not be started is removed where --rm was given. */
async function abandon(client: HyperClient, id: string, { rm }: RunOptions): Promise<void> {
  if (rm === true) await client.podRemove(id, { force: true }).catch(ignoreNotFound);
  else await client.podStop(id, { timeoutSeconds: 0 }).catch(ignoreNotFound);
}

function ignoreNotFound(error: unknown): void {
  if (error instanceof HyperError && (error.code === 'not_found' || error.code === 'conflict')) return;
  throw error;
}
