import type { Command } from 'commander';
import { HyperError } from '../../lib/errors.ts';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { runAttached } from '../terminal/attached-process.ts';
import { defaultDetachKeys, parseDetachKeys } from '../terminal/detach-keys.ts';

interface AttachOptions {
  /** False by --no-stdin. */
  readonly stdin?: boolean;
  readonly detachKeys: string;
}

export function define(command: Command, cli: Cli): void {
  command
    .argument('<pod>', "a pod's name or id, or the beginning of an id")
    .option('--no-stdin', 'only watch: do not send our stdin')
    .option('--detach-keys <keys>', 'keys that leave the process running', defaultDetachKeys)
    .action(async (pod: string, options: AttachOptions) => {
      parseDetachKeys(options.detachKeys);
      const client = await cli.connect();
      const container = await client.containerInspect(pod);
      const { state } = container;
      if (state !== 'running') {
        throw new HyperError('conflict', `${pod} is ${state}, not running: see 'hyper start' and 'hyper logs'`);
      }
      const stdin = options.stdin !== false && container.stdin;
      cli.exitCode = await runAttached({
        open: (handlers) => client.podAttach(pod, { stdin }, handlers),
        tty: container.tty,
        stdin,
        detachKeys: options.detachKeys,
        running: true,
      });
    });
  addExamples(command, [['hyper attach shell', 'attach; ctrl-p ctrl-q leaves it running']]);
}
