import type { Comparison, Sample } from './measure.ts';
import type { Room } from './room.ts';
import { median } from './statistics.ts';

export interface Result {
  readonly name: string;
  readonly what: string;
  readonly peerIs: string;
  readonly unit: Comparison['unit'];
  readonly target: number | null;
  readonly ours: readonly Sample[];
  readonly peer: readonly Sample[];
  readonly oursMedian: number;
  readonly peerMedian: number;
  readonly ratio: number;
  readonly reached: boolean | null;
}

/**
 * Takes samples in turns, ours, the peer's, ours, the peer's, so that whatever the machine does meanwhile hits both. The
 * first pair fills caches and is not counted.
 */
export async function comparePairs(measure: Comparison, room: Room, runs: number): Promise<Result> {
  await using sides = await measure.prepare(room);
  const ours: Sample[] = [];
  const peer: Sample[] = [];
  const count = runs * (measure.times ?? 1);
  for (let index = -1; index < count; index++) {
    room.signal.throwIfAborted();
    const pair = [await sides.ours(), await sides.peer()] as const;
    if (index < 0) continue;
    ours.push(pair[0]);
    peer.push(pair[1]);
    room.say(`${measure.name} ${index + 1}/${count}: ${pair.map(({ value }) => value.toFixed(1)).join(' | ')}`);
  }
  const oursMedian = median(ours.map(({ value }) => value));
  const peerMedian = median(peer.map(({ value }) => value));
  const ratio = oursMedian / peerMedian;
  const { name, what, unit, target = null } = measure;
  const reached = target === null ? null : unit === 'ms' ? ratio <= target : ratio >= target;
  return { name, what, peerIs: measure.peer, unit, target, ours, peer, oursMedian, peerMedian, ratio, reached };
}
