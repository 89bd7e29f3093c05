import { betterOf, type Breakdown, type Fact } from './measure.ts';
import { type Verdict, verdictOf } from './limits.ts';
import type { Result } from './pairs.ts';
import { mergeOrder } from './run-timing.ts';
import { quantile } from './statistics.ts';

export interface Run {
  readonly when: string;
  readonly commit: string;
  readonly machine: string;
  readonly runs: number;
  /** Load averages before the first sample. */
  readonly load: readonly number[];
  readonly results: readonly Result[];
  readonly impossible: readonly { readonly name: string; readonly what: string; readonly reason: string }[];
  readonly facts: readonly Fact[];
  readonly breakdowns: readonly Breakdown[];
}

export const rounded = (value: number): string => value.toFixed(value < 100 ? 1 : 0);

const verdicts: Readonly<Record<Verdict, string>> = { aim: 'yes, the aim', reached: 'yes', missed: '**no**' };
const verdictCell = (verdict: Verdict | null): string => (verdict === null ? '' : verdicts[verdict]);

/** Medians with their middle halves, as a Markdown table. */
export function resultTable(results: readonly Result[]): string {
  const rows = results.map(({ what, peerIs, unit, reach, aim, ours, peer, ratio, verdict }) => {
    const sign = betterOf(unit) === 'less' ? '≤' : '≥';
    const limit = (value: number | null): string => (value === null ? '' : `${sign} ${value}`);
    const cell = (samples: typeof ours): string => `${spread(samples.map(({ value }) => value))} ${unit}`;
    return [what, peerIs, cell(ours), cell(peer), ratio.toFixed(2), limit(reach), limit(aim), verdictCell(verdict)];
  });
  return table(['what', 'peer', 'ours', 'peer’s', 'ratio', 'reach', 'aim', 'reached'], rows);
}

export function factTable(facts: readonly Fact[]): string {
  const rows = facts.map((fact) => {
    const { what, value, unit, reach, aim } = fact;
    const limit = (each: number | undefined): string => (each === undefined ? '' : `≤ ${each} ${unit}`);
    return [what, `${rounded(value)} ${unit}`, limit(reach), limit(aim), verdictCell(verdictOf(value, fact, 'less'))];
  });
  return table(['what', 'value', 'reach', 'aim', 'reached'], rows);
}

/** A row a step, a column a way. */
export function breakdownTable(breakdowns: readonly Breakdown[]): string {
  const steps = mergeOrder(breakdowns.map((each) => each.steps.map(({ name }) => name)).toReversed());
  const row = (name: string): string[] => [
    name,
    ...breakdowns.map((each) => {
      const milliseconds = each.steps.find((step) => step.name === name)?.milliseconds;
      return milliseconds === undefined ? '' : milliseconds.toFixed(1);
    }),
  ];
  const totals = breakdowns.map(({ steps: each }) => each.reduce((sum, { milliseconds }) => sum + milliseconds, 0));
  const rows = [...steps.map(row), ['all of them', ...totals.map((total) => total.toFixed(1))]];
  return table(['step (medians, ms)', ...breakdowns.map(({ of }) => of)], rows);
}

/** `34.1 (33.0–36.2)`: the median and the middle half. */
export function spread(values: readonly number[]): string {
  const at = (share: number): string => rounded(quantile(values, share));
  return `${at(0.5)} (${at(0.25)}–${at(0.75)})`;
}

/** Columns are aligned, as prettier has them. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** The run as Markdown; `pictures`: by the names of what they show. */
export function summary(run: Run, pictures: ReadonlyMap<string, string> = new Map()): string {
  const { when, commit, machine, runs, load, results, impossible, facts, breakdowns } = run;
  const picture = (name: string): string[] => {
    const path = pictures.get(name);
    return path === undefined ? [] : [path];
  };
  const notes = [
    ...results.flatMap(({ name, note }) => (note === null ? [] : [`- ${name}: ${note}`])),
    ...impossible.map(({ name, what, reason }) => `- ${name}: not measured (${what}): ${reason}`),
  ];
  const parts = [
    `Taken ${when} at ${commit}, ${runs} samples a side, load average before ${load.join(', ')}.`,
    machine,
    ...(results.length > 0 ? [resultTable(results)] : []),
    ...(notes.length > 0 ? [notes.join('\n')] : []),
    ...results.flatMap(({ name }) => picture(name)),
    ...(facts.length > 0 ? [factTable(facts)] : []),
    ...(breakdowns.length > 0 ? [breakdownTable(breakdowns)] : []),
    ...picture('breakdown'),
  ];
  return parts.join('\n\n');
}
