import { parseArgs } from 'node:util';

/** Whose QEMU is measured: the distribution's, or the one that scripts/qemu builds. */
export type QemuChoice = 'distribution' | 'hyper';

export interface Options {
  /** Empty: all. */
  readonly names: readonly string[];
  readonly runs: number;
  readonly record: boolean;
  readonly json: boolean;
  readonly qemu: QemuChoice;
}

/** The least number of pairs that says something. */
export const leastRuns = 15;
const quickRuns = 3;

export function parseOptions(args: readonly string[], known: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      ...{ runs: { type: 'string' }, quick: { type: 'boolean' } },
      ...{ record: { type: 'boolean' }, json: { type: 'boolean' }, qemu: { type: 'string' } },
    },
    allowPositionals: true,
  });
  const unknown = positionals.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`there is no measure '${unknown}': ${known.join(' ')}`);
  const runs = Number(values.runs ?? (values.quick === true ? quickRuns : leastRuns));
  if (!Number.isInteger(runs) || runs < 1) throw new Error('--runs takes a number of samples');
  const { record = false, json = false, qemu = 'distribution' } = values;
  if (qemu !== 'distribution' && qemu !== 'hyper') throw new Error("--qemu takes 'distribution' or 'hyper'");
  if (record && (runs < leastRuns || positionals.length > 0)) {
    throw new Error(`--record keeps whole runs of at least ${leastRuns} pairs: leave --quick, --runs and names out`);
  }
  return { names: positionals, runs, record, json, qemu };
}
