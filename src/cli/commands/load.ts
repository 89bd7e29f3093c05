import type { Command } from 'commander';
import { createReadStream } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { messageOf } from '../../lib/errors.ts';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { followProgress, stderrProgress } from '../progress/follow-progress.ts';
import { refuseOption } from '../refused-option.ts';
import { UsageError } from '../usage-error.ts';
import { isTerminal } from '../terminal/foreground.ts';

interface LoadOptions {
  readonly input?: string;
  readonly quiet?: boolean;
}

export function define(command: Command, cli: Cli): void {
  const named = 'images have the names that are in their archive: put it there, as by docker tag before docker save';
  refuseOption(command, '-n, --name <name>', named);
  refuseOption(command, '-r, --references <references>', 'all images of an archive are loaded: leave it out');
  command
    .option('-i, --input <file>', 'the archive (default: stdin)')
    .option('-q, --quiet', 'print no progress')
    .action(async (options: LoadOptions) => {
      const open = await findArchive(options.input);
      const client = await cli.connect();
      const arrived = await followProgress(client.imageLoad(open()), stderrProgress(options.quiet === true));
      for (const image of arrived) cli.print(`Loaded image: ${image.reference}`);
    });
  addExamples(command, [
    ['docker save busybox | hyper load', 'from docker'],
    ['hyper load -i image.tar', 'from a file: of docker save, or an OCI layout'],
  ]);
}

/** Checks the archive before a daemon is asked. Bun 1.4 loses what comes to a process.stdin that is touched before it is read. */
async function findArchive(file: string | undefined): Promise<() => Readable> {
  if (file === undefined) {
    if (isTerminal(0)) throw new UsageError('there is no archive on stdin: give one by -i FILE or a pipe');
    return () => process.stdin;
  }
  try {
    await access(file, constants.R_OK);
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${messageOf(error)}`, { cause: error });
  }
  return () => createReadStream(file, { highWaterMark: 1024 * 1024 });
}
