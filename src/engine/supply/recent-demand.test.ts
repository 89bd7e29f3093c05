import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecentDemand } from './recent-demand.ts';

const minute = 60_000;

test('starts within ten seconds are a burst, and the greatest of the last quarter of an hour counts', () => {
  const demand = new RecentDemand();
  assert.equal(demand.peak(0), 0);
  for (const at of [0, 1000, 9999]) demand.note(at);
  assert.equal(demand.peak(9999), 3);
  demand.note(10_500); // the first one is too long ago, the others are not
  assert.equal(demand.peak(10_500), 3);
  demand.note(5 * minute);
  assert.equal(demand.peak(5 * minute), 3);
});

test('a burst is forgotten after a quarter of an hour, a smaller one that came later is not', () => {
  const demand = new RecentDemand();
  for (let at = 0; at < 20; at++) demand.note(at);
  for (let at = 0; at < 5; at++) demand.note(10 * minute + at);
  assert.equal(demand.peak(14 * minute), 20);
  assert.equal(demand.peak(16 * minute), 5);
  assert.equal(demand.peak(26 * minute), 0);
});
