import { type Verdict, verdictOf } from './limits.ts';
import { betterOf, type Comparison, type Sample, type Sides } from './measure.ts';
import { median } from './statistics.ts';

export interface Result {
  readonly name: string;
  readonly what: string;
  readonly peerIs: string;
  readonly unit: Comparison['unit'];
  readonly reach: number | null;
  readonly aim: number | null;
  readonly note: string | null;
  readonly ours: readonly Sample[];
  readonly peer: readonly Sample[];
  readonly oursMedian: number;
  readonly peerMedian: number;
  readonly ratio: number;
  readonly verdict: Verdict | null;
}

export interface PairsOptions {
  readonly runs: number;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/**
 * Takes samples in turns, ours, the peer's, ours, the peer's, so that whatever the machine does meanwhile hits both. The
 * first pair fills caches and is not counted.
 */
export async function comparePairs(
  measure: Omit<Comparison, 'prepare'>,
  sides: Omit<Sides, keyof AsyncDisposable>,
  { runs, signal, say }: PairsOptions,
): Promise<Result> {
  const take = async (side: 'ours' | 'peer'): Promise<Sample> => {
    signal.throwIfAborted();
    await sides.settle?.();
    return await sides[side]();
  };
  const ours: Sample[] = [];
  const peer: Sample[] = [];
  const count = runs * (measure.times ?? 1);
  for (let index = -1; index < count; index++) {
    const pair = [await take('ours'), await take('peer')] as const;
    if (index < 0) continue;
    ours.push(pair[0]);
    peer.push(pair[1]);
    say(`${measure.name} ${index + 1}/${count}: ${pair.map(({ value }) => value.toFixed(1)).join(' | ')}`);
  }
  return { ...judge(measure, ours, peer), note: sides.note ?? null };
}

function judge(
  measure: Omit<Comparison, 'prepare'>,
  ours: readonly Sample[],
  peer: readonly Sample[],
): Omit<Result, 'note'> {
  const { name, what, unit, reach = null, aim = null } = measure;
  const oursMedian = median(ours.map(({ value }) => value));
  const peerMedian = median(peer.map(({ value }) => value));
  const ratio = oursMedian / peerMedian;
  const verdict = verdictOf(ratio, measure, betterOf(unit));
  return { name, what, peerIs: measure.peer, unit, reach, aim, ours, peer, oursMedian, peerMedian, ratio, verdict };
}
