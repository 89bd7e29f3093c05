import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { type CopyArgument, parseCopyArgument } from '../copy/copy-argument.ts';
import { copyIn } from '../copy/copy-in.ts';
import { copyOut, type CopyOptions, streamArchive } from '../copy/copy-out.ts';
import { containerSource } from '../copy/container-paths.ts';
import { Interruption } from '../copy/interruption.ts';
import { addExamples } from '../examples.ts';
import { UsageError } from '../usage-error.ts';

export function define(command: Command, cli: Cli): void {
  command
    .usage('[options] CONTAINER:SRC DEST|-\n       hyper cp [options] SRC|- CONTAINER:DEST')
    .argument('<source>', 'CONTAINER:PATH, a path of this machine, or - for a tar on stdin')
    .argument('<destination>', 'the other way round; - writes a tar to stdout')
    .option('-a, --archive', 'keep owners and set-id bits (default: files are root’s in a container, yours here)')
    .option('-L, --follow-link', 'copy what a symlink at the source leads to')
    .option('-q, --quiet', 'print no progress (default where stderr is no terminal)')
    .addHelpText('after', `\n${rules}`)
    .action(async (source: string, destination: string, options: CopyOptions) => {
      using interruption = new Interruption();
      try {
        await copy(cli, parseCopyArgument(source), parseCopyArgument(destination), options, interruption.signal);
      } catch (error) {
        if (interruption.exitCode === undefined) throw error;
        cli.exitCode = interruption.exitCode;
      }
    });
  addExamples(command, [
    ['hyper cp web:/etc/nginx/nginx.conf .', 'a file, here'],
    ['hyper cp site/. web:/usr/share/nginx/html', 'what is in a folder, into one that is there'],
    ['hyper cp web:/var/log - | tar tv', 'as a tar'],
    ['tar c src | hyper cp - web:/build', 'unpacked from a tar'],
  ]);
}

const rules = `A path in a container begins at its root. It works on pods that run and on those that do not.
DEST is a folder that is there: SRC goes into it, by its name; with SRC/. what is in SRC does.
Otherwise DEST is the new name: its parent must be there, and DEST/ is wrong for a file.`;

async function copy(
  cli: Cli,
  from: CopyArgument,
  to: CopyArgument,
  options: CopyOptions,
  signal: AbortSignal,
): Promise<void> {
  if (from.type === 'container' && to.type === 'container') {
    throw new UsageError('copying between containers is not supported: copy to this machine first, or by a pipe');
  }
  if (from.type !== 'container') {
    if (to.type !== 'container') throw new UsageError('one side must be in a container: CONTAINER:PATH');
    await copyIn(await cli.connect(), from, to, options, signal);
    return;
  }
  const client = await cli.connect();
  if (to.type === 'stream') {
    const { path } = await containerSource(client, from, options.followLink === true, signal);
    await streamArchive(await client.podArchive(from.container, path, { signal }));
    return;
  }
  if (to.type !== 'local') return;
  for (const each of await copyOut(client, from, to.path, options, signal)) {
    cli.note(`hyper: ${each} is a device or a FIFO, and was left out`);
  }
}
