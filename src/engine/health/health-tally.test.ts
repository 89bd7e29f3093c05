import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HealthTally, ProbeTally } from './health-tally.ts';

const check = { args: ['x'], interval: 1, timeout: 1, retries: 2, startPeriod: 10, startInterval: 1 };
const probe = {
  action: { type: 'tcp', port: 1 },
  ...{ initialDelay: 0, period: 1, timeout: 1, successThreshold: 2, failureThreshold: 3 },
} as const;

describe('the results of a health check', () => {
  it('are unhealthy after as many failures in a row, and healthy with one success', () => {
    const tally = new HealthTally(check, 'starting');
    const statuses = [false, false, true, false, true].map((success) => {
      tally.add(success, 60_000);
      return [tally.status, tally.failingStreak];
    });
    assert.deepEqual(statuses, [
      ['starting', 1],
      ['unhealthy', 2],
      ['healthy', 0],
      ['healthy', 1],
      ['healthy', 0],
    ]);
  });

  it('do not count in the start period until one was a success', () => {
    const tally = new HealthTally(check, 'starting');
    for (let times = 0; times < 5; times++) tally.add(false, 9000);
    assert.deepEqual([tally.status, tally.failingStreak, tally.isStarting(9000)], ['starting', 0, true]);
    tally.add(true, 9000);
    for (let times = 0; times < 2; times++) tally.add(false, 9000);
    assert.deepEqual([tally.status, tally.isStarting(9000)], ['unhealthy', false]);
  });
});

describe('the results of a probe', () => {
  it('say something after as many of a kind in a row', () => {
    const tally = new ProbeTally(probe);
    const said = [true, true, false, false, true, false, false, false].map((success) => tally.add(success));
    assert.deepEqual(said, [undefined, true, undefined, undefined, undefined, undefined, undefined, false]);
    assert.equal(tally.failures, 3);
  });
});
