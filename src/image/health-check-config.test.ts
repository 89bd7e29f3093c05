import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatHealthCheck, parseHealthCheck } from './health-check-config.ts';

describe('the health check of an image’s config', () => {
  it('has its times in seconds, and null for what it leaves out or has as 0', () => {
    const raw = { Test: ['CMD-SHELL', 'curl -f http://localhost/'], Interval: 1_500_000_000, Timeout: 0, Retries: 2 };
    const parsed = parseHealthCheck(raw);
    assert.deepEqual(parsed, {
      test: ['CMD-SHELL', 'curl -f http://localhost/'],
      ...{ intervalSeconds: 1.5, timeoutSeconds: null, startPeriodSeconds: null, startIntervalSeconds: null },
      retries: 2,
    });
    const again: unknown = JSON.parse(JSON.stringify(formatHealthCheck(parsed)));
    assert.deepEqual(again, { Test: raw.Test, Interval: raw.Interval, Retries: 2 });
  });

  it('is none where it says so, and where nobody could run it', () => {
    const forms = [undefined, null, {}, { Test: [] }, { Test: ['NONE'] }, { Test: ['CMD'] }, { Test: ['curl', 'x'] }];
    const broken = [{ Test: 'curl' }, { Test: ['CMD', 'x'], Interval: 'often' }, [], 5];
    for (const raw of [...forms, ...broken]) assert.equal(parseHealthCheck(raw), null, JSON.stringify(raw));
    assert.equal(formatHealthCheck(null), undefined);
  });
});
