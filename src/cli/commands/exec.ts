import type { Command } from 'commander';
import { textForms } from '../../contract/bounds.ts';
import type { ExecSpec } from '../../contract/index.ts';
import type { Cli } from '../cli.ts';
import { collect } from '../collect.ts';
import { addExamples } from '../examples.ts';
import { given } from '../given.ts';
import { runFailure } from '../run-failure.ts';
import { runAttached } from '../terminal/attached-process.ts';
import { defaultDetachKeys, parseDetachKeys } from '../terminal/detach-keys.ts';
import { standardStreams, terminalSize } from '../terminal/foreground.ts';
import { chooseStreams, type StreamFlags } from '../terminal/stream-choice.ts';
import { UsageError } from '../usage-error.ts';
import { parseForm } from '../values/container-values.ts';
import { collectVariables } from '../values/environment.ts';

interface ExecOptions extends StreamFlags {
  readonly env?: readonly string[];
  readonly envFile?: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly attach?: boolean;
  readonly vm?: boolean;
  readonly detachKeys: string;
}

export function define(command: Command, cli: Cli): void {
  command
    .passThroughOptions()
    .argument('<pod>', "a pod's name or id, or the beginning of an id")
    .argument('<command...>', 'the command and its arguments')
    .option('-i, --interactive', 'send our stdin to the process (default: when it is a terminal)')
    .option('-t, --tty', 'give the process a terminal (default: when stdin and stdout are terminals)')
    .option('--no-tty', 'give it none, even in a terminal')
    .option('-a, --attach', 'attach to it (the default)')
    .option('-d, --detach', 'leave it running in the background, and print its id')
    .option('-e, --env <name=value>', 'set a variable; a NAME alone passes on our own', collect)
    .option('--env-file <file>', 'read variables from a file', collect)
    .option('-w, --workdir <path>', 'the working directory', (text) =>
      parseForm(text, '--workdir', textForms.absolutePath),
    )
    .option('-u, --user <name|uid[:group|gid]>', 'run as this user')
    .option('-m, --vm', 'run it in the VM itself, outside every container')
    .option('--detach-keys <keys>', 'keys that leave the process running', defaultDetachKeys)
    .action(async (pod: string, args: readonly string[], options: ExecOptions) => {
      if (options.attach === true && options.detach === true) throw new UsageError('give one of --attach and --detach');
      cli.exitCode = await exec(pod, args, options, cli);
    });
  addExamples(command, [
    ['hyper exec web sh', 'a shell in a running pod'],
    ['hyper exec -u nobody -w /srv web ls', 'as someone else, somewhere else'],
    ['hyper exec -d web make', "in the background: 'hyper inspect' of the id printed tells its exit code"],
    ['hyper exec --vm web dmesg', "the VM's kernel log"],
  ]);
}

async function exec(pod: string, args: readonly string[], options: ExecOptions, cli: Cli): Promise<number> {
  parseDetachKeys(options.detachKeys);
  const streams = chooseStreams(options, standardStreams());
  const env = collectVariables(options.env ?? [], options.envFile ?? [], cli.env);
  const spec: ExecSpec = {
    args: [...args],
    ...streams,
    ...(env.length > 0 ? { env } : {}),
    ...given('workdir', options.workdir),
    ...given('user', options.user),
    ...(options.vm === true ? { vm: true } : {}),
    ...(streams.tty ? given('terminalSize', terminalSize()) : {}),
  };
  try {
    const client = await cli.connect();
    if (options.detach === true) {
      const { id } = await client.execCreate(pod, spec);
      await client.execStart(id);
      cli.print(id);
      return 0;
    }
    return await runAttached({
      open: (handlers) => client.execRun(pod, spec, {}, handlers),
      ...streams,
      detachKeys: options.detachKeys,
      running: false,
    });
  } catch (error) {
    throw runFailure(error);
  }
}
