import type { Cli } from '../cli.ts';
import { parseTemplate, unescape } from './template-parse.ts';
import { renderTemplate } from './template-render.ts';

/** What an `inspect` has found, as its `--format` wants it. */
export function printInspected(cli: Cli, found: readonly object[], format: string | undefined): void {
  if (format === undefined || format === 'json') {
    cli.print(JSON.stringify(found, null, 2));
    return;
  }
  const template = parseTemplate(unescape(format));
  for (const thing of found) cli.print(renderTemplate(template, thing));
}
