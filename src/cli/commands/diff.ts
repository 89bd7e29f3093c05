import type { Command } from 'commander';
import type { Change } from '../../contract/index.ts';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { UsageError } from '../usage-error.ts';

const letters: Readonly<Record<Change['kind'], string>> = { added: 'A', changed: 'C', deleted: 'D' };

export function define(command: Command, cli: Cli): void {
  command
    .argument('<container>', "a pod's or container's name or id, or the beginning of an id")
    .option('--format <format>', 'lines, or json')
    .action(async (container: string, { format = 'lines' }: { readonly format?: string }) => {
      if (format !== 'lines' && format !== 'json') throw new UsageError(`--format ${format}: use lines or json`);
      const changes = await (await cli.connect()).podChanges(container);
      if (format === 'json') cli.print(JSON.stringify(changes, null, 2));
      else if (changes.length > 0) cli.print(changes.map(({ kind, path }) => `${letters[kind]} ${path}`).join('\n'));
    });
  command.addHelpText(
    'after',
    '\nA: added, C: changed, D: deleted. What is mounted (volumes, tmpfs, /etc/hosts) is not shown.',
  );
  addExamples(command, [
    ['hyper diff web', 'what is not as in its image'],
    ['hyper diff --format json web', 'the same for a program'],
  ]);
}
