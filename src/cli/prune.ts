import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import type { PruneRequest } from '../contract/index.ts';
import type { Cli } from './cli.ts';
import { collect } from './collect.ts';
import { UsageError } from './usage-error.ts';
import { parseMoment } from './values/moment.ts';
import { stderr } from './standard-streams.ts';

export interface PruneOptions {
  readonly force?: boolean;
  readonly filter?: readonly string[];
}

/** What all prunes take, but for the filters of volumes. */
export function addPruneOptions(command: Command): Command {
  return command
    .option('-f, --force', 'do not ask')
    .option('--filter <key=value>', 'only some: label=name[=value], until= a time or how long ago', collect);
}

/** Asks before what cannot be undone; no answer is none. @param what ends `This will remove`, as docker says it */
export async function confirmed(what: string): Promise<boolean> {
  const question = `WARNING! This will remove ${what}\nAre you sure you want to continue? [y/N] `;
  const terminal = createInterface({ input: process.stdin, output: stderr() });
  try {
    const ended = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
    return /^y(es)?$/i.test((await Promise.race([terminal.question(question), ended])).trim());
  } finally {
    terminal.close();
  }
}

/** `label=NAME[=VALUE]`, again: all of them; `until=` a time, or how long ago. */
export function parsePruneFilters(texts: readonly string[], now: number): PruneRequest {
  const labels: string[] = [];
  let until: string | undefined;
  for (const text of texts) {
    const [, key, value = ''] = /^(label|until)=(.+)$/s.exec(text) ?? [];
    if (key === 'label') labels.push(value);
    else if (key === 'until' && until === undefined) until = parseMoment(value, '--filter until', now);
    else if (key === 'until') throw new UsageError('--filter until is given twice: give one');
    else throw new UsageError(`--filter is '${text}': give label=NAME, label=NAME=VALUE or until=TIME`);
  }
  return { ...(labels.length === 0 ? {} : { labels }), ...(until === undefined ? {} : { until }) };
}

/** What has gone, as docker prints it: a title, a line each, and an empty one; nothing where none has. */
export function printDeleted(title: string, lines: readonly string[], cli: Cli): void {
  if (lines.length > 0) cli.print([`Deleted ${title}:`, ...lines, ''].join('\n'));
}
