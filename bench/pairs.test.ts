import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Sample } from './measure.ts';
import { comparePairs } from './pairs.ts';

const measure = { name: 'run', what: 'a', peer: 'b', unit: 'ms', reach: 0.5 } as const;

/** Both sides, and what was called. */
function sidesOf(values: { readonly ours: readonly number[]; readonly peer: readonly number[] }) {
  const calls: string[] = [];
  const side = (name: 'ours' | 'peer') => (): Promise<Sample> => {
    const value = values[name][calls.filter((call) => call === name).length] ?? NaN;
    calls.push(name);
    return Promise.resolve({ value });
  };
  const settle = (): Promise<void> => {
    calls.push('settle');
    return Promise.resolve();
  };
  return { calls, settle, ours: side('ours'), peer: side('peer') };
}

const quietly = { signal: new AbortController().signal, say: () => undefined };

it('takes samples in turns, each when nothing is under way, and does not count the first pair', async () => {
  const sides = sidesOf({ ours: [999, 10, 20, 60], peer: [999, 100, 100, 40] });
  const { ours, oursMedian, peerMedian, ratio, verdict } = await comparePairs(measure, sides, { ...quietly, runs: 3 });
  assert.deepEqual(sides.calls, Array.from({ length: 4 }, () => ['settle', 'ours', 'settle', 'peer']).flat());
  assert.deepEqual(ours, [{ value: 10 }, { value: 20 }, { value: 60 }]);
  assert.deepEqual(
    { oursMedian, peerMedian, ratio, verdict },
    { oursMedian: 20, peerMedian: 100, ratio: 0.2, verdict: 'reached' },
  );
});

it('stops between two samples when it is interrupted', async () => {
  const sides = sidesOf({ ours: [1], peer: [1] });
  const interrupted = new AbortController();
  const settle = (): Promise<void> => {
    interrupted.abort(new Error('interrupted'));
    return Promise.resolve();
  };
  const options = { ...quietly, signal: interrupted.signal, runs: 3 };
  await assert.rejects(comparePairs(measure, { ...sides, settle }, options), /interrupted/);
  assert.deepEqual(sides.calls, ['ours']);
});
