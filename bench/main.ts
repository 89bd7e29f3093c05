/** `scripts/bench` starts it, in a network namespace of its own. See there for what it takes. */
import { execFileSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { describeMachine } from './machine.ts';
import type { Breakdown, Comparison, Fact, Survey } from './measure.ts';
import { breakdown } from './measures/breakdown.ts';
import { bursts } from './measures/burst.ts';
import { cli } from './measures/cli.ts';
import { coldStart } from './measures/cold-start.ts';
import { exec } from './measures/exec.ts';
import { files } from './measures/files.ts';
import { footprint } from './measures/footprint.ts';
import { network } from './measures/network.ts';
import { pull } from './measures/pull.ts';
import { runFolder } from './measures/run-folder.ts';
import { runGvisor } from './measures/run-gvisor.ts';
import { runOther } from './measures/run-other.ts';
import { runs } from './measures/run.ts';
import { stream } from './measures/stream.ts';
import { type Options, parseOptions } from './options.ts';
import { comparePairs, type Result } from './pairs.ts';
import { putHyperQemuInPath } from './qemu-in-path.ts';
import { keepRun, recordRun } from './record.ts';
import { type Run, summary } from './report.ts';
import { repository } from './repository.ts';
import { Room } from './room.ts';

/** gVisor last: what its trial may leave running would be in the others' way. */
const comparisons: readonly Comparison[] = [
  ...[...runs, exec, coldStart, ...bursts, runOther, runFolder, pull, stream, cli],
  ...[...network, ...files, runGvisor],
];
/** The footprint first: it wants a daemon that has done nothing yet. */
const surveys: readonly Survey[] = [footprint, breakdown];

async function main(): Promise<void> {
  const known = [...comparisons, ...surveys].map(({ name }) => name);
  const options = parseOptions(process.argv.slice(2), known);
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => interrupted.abort(new Error('interrupted')));
  const taken = await measure(options, interrupted.signal);
  const path = await keepRun(taken);
  if (options.json) process.stdout.write(`${JSON.stringify(taken)}\n`);
  (options.json ? process.stderr : process.stdout).write(`${summary(taken)}\n\nSamples: ${path}\n`);
  if (options.record) await recordRun(taken, options.qemu);
}

async function measure({ names, runs: count, qemu }: Options, signal: AbortSignal): Promise<Run> {
  const load = loadavg().map((value) => Number(value.toFixed(2)));
  const wanted = ({ name }: { readonly name: string }): boolean => names.length === 0 || names.includes(name);
  await using room = await Room.open(signal);
  if (qemu === 'hyper') await putHyperQemuInPath(room.folder);
  const { client } = await room.hyperd('pool');
  const info = await client.info();
  const facts: Fact[] = [];
  const breakdowns: Breakdown[] = [];
  for (const survey of surveys.filter(wanted)) {
    room.say(survey.name);
    const found = await survey.take(room, count);
    facts.push(...found.facts);
    breakdowns.push(...found.breakdowns);
  }
  const results: Result[] = [];
  const impossible: Run['impossible'][number][] = [];
  for (const comparison of comparisons.filter(wanted)) {
    const prepared = await comparison.prepare(room);
    if ('impossible' in prepared) {
      const { name, peer: what } = comparison;
      room.say(`${name}: not measured: ${prepared.impossible}`);
      impossible.push({ name, what, reason: prepared.impossible });
      continue;
    }
    await using sides = prepared;
    results.push(await comparePairs(comparison, sides, { runs: count, signal, say: (line) => room.say(line) }));
  }
  const machine = describeMachine(info);
  const when = new Date().toISOString();
  return { when, commit: commit(), machine, runs: count, load, results, impossible, facts, breakdowns };
}

/** `9990922`, with a plus when the working copy differs from it. */
function commit(): string {
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-C', repository, '-c', `safe.directory=*`, ...args], { encoding: 'utf8' }).trim();
  return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', 'src', 'guest') === '' ? '' : '+');
}

main().catch((error: unknown) => {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
