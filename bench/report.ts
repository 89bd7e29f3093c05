import type { Fact } from './measure.ts';
import type { Result } from './pairs.ts';
import { quantile } from './statistics.ts';

export interface Run {
  readonly when: string;
  readonly commit: string;
  readonly machine: string;
  readonly runs: number;
  readonly load: readonly number[];
  readonly results: readonly Result[];
  readonly facts: readonly Fact[];
}

const number = (value: number): string => value.toFixed(value < 100 ? 1 : 0);

/** Medians with their middle halves, as a Markdown table. */
export function resultTable(results: readonly Result[]): string {
  const rows = results.map((result) => {
    const { what, peerIs, unit, target, ours, peer, ratio, reached } = result;
    const values = (samples: typeof ours): number[] => samples.map(({ value }) => value);
    const limit = target === null ? '' : `${unit === 'ms' ? '≤' : '≥'} ${target}`;
    const verdict = reached === null ? '' : reached ? 'yes' : '**no**';
    return [
      what,
      peerIs,
      `${spread(values(ours))} ${unit}`,
      `${spread(values(peer))} ${unit}`,
      ratio.toFixed(2),
      limit,
      verdict,
    ];
  });
  return table(['what', 'peer', 'ours', 'peer’s', 'ratio', 'target', 'reached'], rows);
}

export function factTable(facts: readonly Fact[]): string {
  return table(
    ['what', 'value'],
    facts.map(({ what, value, unit }) => [what, `${number(value)} ${unit}`]),
  );
}

/** `34.1 (33.0–36.2)`: the median and the middle half. */
function spread(values: readonly number[]): string {
  const at = (share: number): string => number(quantile(values, share));
  return `${at(0.5)} (${at(0.25)}–${at(0.75)})`;
}

/** Columns are aligned, as prettier has them. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

export function summary({ when, commit, machine, runs, load, results, facts }: Run): string {
  const parts = [
    `Taken ${when} at ${commit}, ${runs} samples a side, load average before ${load.join(', ')}.`,
    machine,
  ];
  if (results.length > 0) parts.push(resultTable(results));
  if (facts.length > 0) parts.push(factTable(facts));
  return parts.join('\n\n');
}
