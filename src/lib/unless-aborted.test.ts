import assert from 'node:assert/strict';
import { it } from 'node:test';
import { unlessAborted } from './unless-aborted.ts';

it('a promise that fails after its wait was refused is heard: nothing of the process ends by it', async () => {
  const late = Promise.withResolvers<never>();
  await assert.rejects(unlessAborted(late.promise, AbortSignal.abort()), /cancelled/);
  late.reject(new Error('late'));
  await new Promise((resolve) => setImmediate(resolve)); // where it would be unhandled, the runner fails the test
});
