import type { Command } from 'commander';
import { HyperError } from '../../lib/errors.ts';
import type { Cli } from '../cli.ts';
import { createPod } from '../create-pod.ts';
import { addExamples } from '../examples.ts';
import { addPodOptions, podSpecOf, type PodOptions } from '../pod-options.ts';
import { runFailure } from '../run-failure.ts';
import { RunTiming } from '../output/run-timing.ts';
import { runAttached } from '../terminal/attached-process.ts';
import { defaultDetachKeys, parseDetachKeys } from '../terminal/detach-keys.ts';
import { standardStreams, terminalSize } from '../terminal/foreground.ts';
import { chooseStreams } from '../terminal/stream-choice.ts';
import { warn } from '../warn.ts';

interface RunOptions extends PodOptions {
  readonly detach?: boolean;
  readonly detachKeys: string;
  readonly timing?: boolean;
}

export function define(command: Command, cli: Cli): void {
  addPodOptions(command.passThroughOptions())
    .option('-d, --detach', "leave it running and print the pod's id")
    .option('--detach-keys <keys>', 'keys that leave the process running', defaultDetachKeys)
    .option('--timing', 'print on stderr what the time of the run went to')
    .action(async (image: string, args: readonly string[], options: RunOptions) => {
      cli.exitCode = await run(image, args, options, cli);
    });
  addExamples(command, [
    ['hyper run ubuntu', 'a shell in Ubuntu'],
    ['hyper run --rm busybox uname -a', 'one command, and nothing is left'],
    ['hyper run -d --name web -p 8080:80 -m 512m nginx', 'a server in the background, on port 8080'],
    ['hyper run -d --cpu 2 --cpus 1.5 --pids-limit 200 nginx', 'one that may not take all'],
    ['hyper run --rm -v ./:/src -w /src gcc make', 'a folder of this machine in the pod'],
    ['hyper run -d -v data:/var/lib/data nginx', 'a volume, which outlives the pod'],
    ['tar c . | hyper run -i --rm busybox tar t', 'a pipe into the pod'],
  ]);
}

async function run(image: string, args: readonly string[], options: RunOptions, cli: Cli): Promise<number> {
  parseDetachKeys(options.detachKeys);
  const streams = chooseStreams(options, standardStreams());
  const attached = options.detach !== true;
  const timing = new RunTiming();
  const spec = podSpecOf(image, args, options, { ...streams, attached, size: terminalSize() }, cli.env);
  try {
    timing.lap('start of the client');
    const client = await cli.connect();
    timing.lap('connection to hyperd');
    const { id } = await createPod(client, spec, options.pull, cli);
    timing.lap('request that creates the pod');
    /** As docker: what could not be started is removed where --rm was given. */
    const abandon = async (): Promise<void> => {
      if (options.rm === true) await client.podRemove(id, { force: true }).catch(ignoreNotFound);
      else await client.podStop(id, { timeoutSeconds: 0 }).catch(ignoreNotFound);
    };
    if (!attached) {
      try {
        const started = await client.podStart(id);
        warn(...started.warnings);
        timing.started(started.timing);
        if (options.timing === true) cli.note(timing.table());
      } catch (error) {
        if (options.rm === true) await abandon();
        throw error;
      }
      cli.print(id);
      return 0;
    }
    const exitCode = await runAttached({
      open: (handlers) => {
        // Who has read it may send signals: their handlers are there now.
        cli.note(`POD id is ${id}`);
        const timed: typeof handlers = {
          ...handlers,
          started: (podId, warnings, startTiming) => {
            timing.started(startTiming);
            handlers.started?.(podId, warnings, startTiming);
          },
        };
        return client.podAttach(id, { start: true, stdin: streams.stdin }, timed);
      },
      ...streams,
      detachKeys: options.detachKeys,
      running: false,
      abandon,
    });
    timing.lap('process, its output and exit');
    if (options.timing === true) cli.note(timing.table());
    return exitCode;
  } catch (error) {
    throw runFailure(error);
  }
}

function ignoreNotFound(error: unknown): void {
  if (error instanceof HyperError && (error.code === 'not_found' || error.code === 'conflict')) return;
  throw error;
}
