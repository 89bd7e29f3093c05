import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../usage-error.ts';
import { parseRestart } from './restart.ts';

test('the first Hyper’s words and docker’s', () => {
  assert.deepEqual(parseRestart('never'), { restartPolicy: 'never' });
  assert.deepEqual(parseRestart('no'), { restartPolicy: 'never' });
  assert.deepEqual(parseRestart('onFailure'), { restartPolicy: 'onFailure' });
  assert.deepEqual(parseRestart('on-failure:5'), { restartPolicy: 'onFailure', maxRestarts: 5 });
  assert.deepEqual(parseRestart('unless-stopped'), { restartPolicy: 'always' });
});

test('others are refused with what is allowed', () => {
  for (const text of ['', 'sometimes', 'always:3', 'onFailure:', 'onFailure:-1', 'constructor']) {
    assert.throws(
      () => parseRestart(text),
      (error) => error instanceof UsageError && /onFailure:NUMBER/.test(error.message),
    );
  }
});
