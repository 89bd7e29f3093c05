import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isToRestart, Restarts } from './restart-policy.ts';

test('what the policies say of success and failure', () => {
  const failed = { succeeded: false, restarts: 3 };
  const succeeded = { succeeded: true, restarts: 3 };
  const policy = (restartPolicy: 'never' | 'onFailure' | 'always', maxRestarts: number | null = null): object =>
    [failed, succeeded].map((ended) => isToRestart({ restartPolicy, maxRestarts }, ended));
  assert.deepEqual(policy('never'), [false, false]);
  assert.deepEqual(policy('onFailure'), [true, false]);
  assert.deepEqual(policy('onFailure', 3), [false, false]);
  assert.deepEqual(policy('onFailure', 4), [true, false]);
  assert.deepEqual(policy('always'), [true, true]);
});

test('the wait doubles while ends come soon, to a minute at most, and begins anew after a long run', () => {
  const restarts = new Restarts();
  const what = {};
  const delays = Array.from({ length: 12 }, () => restarts.schedule(what, 50, () => undefined));
  assert.deepEqual(delays.slice(0, 4), [100, 200, 400, 800]);
  assert.equal(delays.at(-1), 60_000);
  assert.equal(
    restarts.schedule(what, 10_000, () => undefined),
    100,
  );
  restarts.cancel();
  assert.equal(restarts.isWaiting(what), false);
});

test('what is cancelled does not act, the others do', async () => {
  const restarts = new Restarts();
  const [kept, cancelled] = [{}, {}];
  const acted = Promise.withResolvers<void>();
  restarts.schedule(cancelled, 0, () => acted.reject(new Error('it was cancelled')));
  restarts.cancel(cancelled);
  restarts.schedule(kept, 0, acted.resolve);
  await acted.promise;
  assert.equal(restarts.isWaiting(kept), false);
});
