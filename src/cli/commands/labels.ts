import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { formatList } from '../output/list-format.ts';
import { UsageError } from '../usage-error.ts';

interface LabelsOptions {
  readonly overwrite?: boolean;
  readonly format?: string;
}

export function define(command: Command, cli: Cli): void {
  command
    .argument('<pod>', 'name or id of a pod')
    .argument('[label...]', 'name=value sets a label, name- takes it away (default: list them)')
    .option('--overwrite', 'replace the value that a label has')
    .option('--format <format>', "of the list: table, json, or a template: '{{.Name}}={{.Value}}'")
    .action(async (pod: string, texts: readonly string[], { overwrite = false, format }: LabelsOptions) => {
      if (texts.length > 0) {
        if (format !== undefined) throw new UsageError('--format is of the list: leave out the labels');
        await (await cli.connect()).podLabels(pod, { labels: parseChanges(texts), overwrite });
        cli.print(pod);
        return;
      }
      if (overwrite) throw new UsageError('--overwrite replaces labels: give some, as tier=web');
      const { labels } = await (await cli.connect()).podInspect(pod);
      const rows = Object.entries(labels).map(([Name, Value]) => ({ Name, Value }));
      const text = formatList(rows, { format, columns });
      if (text !== null) cli.print(text);
    });
  addExamples(command, [
    ['hyper labels web', 'the labels of a pod'],
    ['hyper labels web tier=front owner=ann', 'set two; one that has another value is refused'],
    ['hyper labels --overwrite web tier=back owner-', 'replace one, and take one away'],
  ]);
}

const columns = [
  { header: 'NAME', align: 'left', width: 30, cell: ({ Name }: { readonly Name: string }) => Name },
  { header: 'VALUE', align: 'left', cell: ({ Value }: { readonly Value: string }) => Value },
] as const;

/** `NAME=VALUE`, or `NAME-`; null: it goes. The last of a name wins. */
function parseChanges(texts: readonly string[]): Record<string, string | null> {
  return Object.fromEntries(
    texts.map((text) => {
      const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
      if (name !== undefined && value !== undefined) return [name, value];
      if (text.length > 1 && text.endsWith('-') && !text.includes('=')) return [text.slice(0, -1), null];
      throw new UsageError(`the label '${text}': give NAME=VALUE to set it, or NAME- to take it away`);
    }),
  );
}
