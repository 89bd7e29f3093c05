import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { collect } from '../collect.ts';
import { addExamples } from '../examples.ts';
import { imageRows, type ImageRow } from '../output/image-rows.ts';
import { formatList } from '../output/list-format.ts';
import { parseFilters } from '../values/filters.ts';
import { imageFilters } from '../values/image-filter.ts';

interface ImagesOptions {
  readonly filter?: readonly string[];
  readonly quiet?: boolean;
  readonly format?: string;
  /** False by --no-trunc. */
  readonly trunc?: boolean;
}

export function define(command: Command, cli: Cli): void {
  command
    .argument('[repository]', 'only images of this name')
    .option('-q, --quiet', 'print only ids')
    .option('-a, --all', 'all of them (they always are: for those who type docker’s)')
    .option('-f, --filter <key=value>', 'only some: dangling=true, reference=busybox:*', collect)
    .option('--no-trunc', 'print whole ids')
    .option('--format <format>', "table, json, or a template: '{{.Repository}}:{{.Tag}} {{.Size}}'")
    .action(async (repository: string | undefined, options: ImagesOptions) => {
      const test = parseFilters(options.filter ?? [], imageFilters);
      const client = await cli.connect();
      const rows = imageRows(await client.imageList(), { cutIds: options.trunc !== false, now: Date.now() }).filter(
        (row) => (repository === undefined || isNamed(row, repository)) && test(row),
      );
      if (options.quiet === true && options.format === undefined) {
        for (const id of new Set(rows.map((row) => row.ID))) cli.print(id);
        return;
      }
      const text = formatList(rows, {
        format: options.format,
        columns,
        headers: { ID: 'IMAGE ID', CreatedSince: 'CREATED' },
      });
      if (text !== null) cli.print(text);
    });
  addExamples(command, [
    ['hyper images', 'all images'],
    ['hyper images -q busybox', 'the ids of one'],
  ]);
}

const columns = [
  { header: 'REPOSITORY', align: 'left', width: 20, cell: (row: ImageRow) => row.Repository },
  { header: 'TAG', align: 'left', width: 12, cell: (row: ImageRow) => row.Tag },
  { header: 'IMAGE ID', align: 'left', width: 15, cell: (row: ImageRow) => row.ID },
  { header: 'CREATED', align: 'left', width: 17, cell: (row: ImageRow) => row.CreatedSince },
  { header: 'SIZE', align: 'left', cell: (row: ImageRow) => row.Size },
] as const;

function isNamed(row: ImageRow, repository: string): boolean {
  return row.Repository === repository || `${row.Repository}:${row.Tag}` === repository;
}
