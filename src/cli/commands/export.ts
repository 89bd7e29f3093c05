import type { Command } from 'commander';
import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { asFailure } from '../../client/index.ts';
import type { Cli } from '../cli.ts';
import { streamArchive } from '../copy/copy-out.ts';
import { Interruption } from '../copy/interruption.ts';
import { addExamples } from '../examples.ts';

export function define(command: Command, cli: Cli): void {
  command
    .argument('<container>', "a pod's or container's name or id, or the beginning of an id")
    .option('-o, --output <file>', 'write to a file (default: stdout)')
    .action(async (container: string, { output }: { readonly output?: string }) => {
      using interruption = new Interruption();
      try {
        const { signal } = interruption;
        const archive = await (await cli.connect()).podExport(container, { signal });
        if (output === undefined) await streamArchive(archive);
        else await save(archive, output, signal);
      } catch (error) {
        if (interruption.exitCode === undefined) throw error;
        cli.exitCode = interruption.exitCode;
      }
    });
  command.addHelpText(
    'after',
    '\nA tar of the whole root: without volumes and what else is mounted, as docker export.',
  );
  addExamples(command, [['hyper export web -o web.tar', 'its files, as docker import takes them']]);
}

/** Half a tar is not left behind, nor in place of a whole one that was there. */
async function save(archive: NodeJS.ReadableStream, path: string, signal: AbortSignal): Promise<void> {
  const isFile = await stat(path).then(
    (there) => there.isFile(),
    () => true, // none is there
  );
  const place = isFile ? `${path}.${process.pid}.part` : path;
  try {
    await pipeline(archive, createWriteStream(place), { signal });
    if (isFile) await rename(place, path);
  } catch (error) {
    if (isFile) await rm(place, { force: true });
    throw asFailure(error);
  }
}
