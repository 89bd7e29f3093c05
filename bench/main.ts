/** `scripts/bench` starts it, in a network namespace of its own. See there for what it takes. */
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine } from './machine.ts';
import type { Comparison, Fact, Survey } from './measure.ts';
import { breakdown } from './measures/breakdown.ts';
import { cli } from './measures/cli.ts';
import { coldStart } from './measures/cold-start.ts';
import { exec } from './measures/exec.ts';
import { footprint } from './measures/footprint.ts';
import { pull } from './measures/pull.ts';
import { run } from './measures/run.ts';
import { stream } from './measures/stream.ts';
import { comparePairs, type Result } from './pairs.ts';
import { type Run, summary } from './report.ts';
import { repository, Room } from './room.ts';

const comparisons: readonly Comparison[] = [coldStart, exec, pull, stream, cli, run];
/** The footprint first: it wants a daemon that has done nothing yet. */
const surveys: readonly Survey[] = [footprint, breakdown];
const mark = /(?<=<!-- run -->\n)[\s\S]*(?=<!-- \/run -->)/;

async function main(): Promise<void> {
  const options = { runs: { type: 'string' }, quick: { type: 'boolean' }, record: { type: 'boolean' } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const names = [...comparisons, ...surveys].map(({ name }) => name);
  const unknown = positionals.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`there is no measure '${unknown}': ${names.join(' ')}`);
  const runs = Number(values.runs ?? (values.quick === true ? 3 : 10));
  if (!Number.isInteger(runs) || runs < 1) throw new Error('--runs takes a number of samples');
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => interrupted.abort(new Error('interrupted')));
  const wanted = (name: string): boolean => positionals.length === 0 || positionals.includes(name);
  const taken = await measure(runs, wanted, interrupted.signal);
  await keep(taken, values.record === true);
}

async function measure(runs: number, wanted: (name: string) => boolean, signal: AbortSignal): Promise<Run> {
  const load = loadavg().map((value) => Number(value.toFixed(2)));
  await using room = await Room.open(signal);
  const { client } = await room.hyperd();
  const [{ hypervisor }, { kernel }] = await Promise.all([client.info(), client.version()]);
  const facts: Fact[] = [];
  for (const survey of surveys) {
    if (!wanted(survey.name)) continue;
    room.say(survey.name);
    facts.push(...(await survey.take(room, runs)));
  }
  const results: Result[] = [];
  for (const comparison of comparisons) {
    if (wanted(comparison.name)) results.push(await comparePairs(comparison, room, runs));
  }
  const machine = describeMachine(hypervisor.accelerator, kernel);
  return { when: new Date().toISOString(), commit: commit(), machine, runs, load, results, facts };
}

/** `9990922`, with a plus when the working copy differs from it. */
function commit(): string {
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-C', repository, '-c', `safe.directory=*`, ...args], { encoding: 'utf8' }).trim();
  return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', 'src', 'guest') === '' ? '' : '+');
}

async function keep(taken: Run, record: boolean): Promise<void> {
  const json = `${JSON.stringify(taken, null, 1)}\n`;
  await mkdir(join(repository, 'bench/results'), { recursive: true });
  const path = join(repository, 'bench/results', `${taken.when.replaceAll(':', '-')}.json`);
  await writeFile(path, json);
  process.stdout.write(`${summary(taken)}\n\nSamples: ${path}\n`);
  if (!record) return;
  await writeFile(join(repository, 'docs/performance/samples.json'), json);
  const page = join(repository, 'docs/performance.md');
  await writeFile(page, (await readFile(page, 'utf8')).replace(mark, `\n${summary(taken)}\n\n`));
}

main().catch((error: unknown) => {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
