import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ImageHealthCheck } from '../image/index.ts';
import { type HealthSpec, planHealth } from './health-plan.ts';

const check: ImageHealthCheck = {
  test: ['CMD-SHELL', 'curl -f localhost'],
  intervalSeconds: 5,
  timeoutSeconds: null,
  startPeriodSeconds: 60,
  startIntervalSeconds: null,
  retries: null,
};
const plan = (spec: HealthSpec, healthCheck: ImageHealthCheck | null = null, shell: string[] = []): unknown =>
  planHealth(spec, { healthCheck, shell }).healthCheck;
const defaults = { interval: 30, timeout: 30, retries: 3, startPeriod: 0, startInterval: 5 };

describe('a health check', () => {
  it('is the image’s, with docker’s defaults for what that leaves out', () => {
    const args = ['/bin/sh', '-c', 'curl -f localhost'];
    assert.deepEqual(plan({}, check), { ...defaults, args, interval: 5, startPeriod: 60 });
    assert.deepEqual(plan({}), null);
  });

  it('is its user’s over the image’s, run by the image’s shell where it is text', () => {
    const args = ['/bin/ash', '-ec', 'curl -f localhost'];
    const over = { ...defaults, args, interval: 1, startPeriod: 60 };
    assert.deepEqual(plan({ healthCheck: { intervalSeconds: 1 } }, check, ['/bin/ash', '-ec']), over);
    assert.deepEqual(plan({ healthCheck: { test: ['CMD', 'a', 'b'], retries: 9 } }), {
      ...{ ...defaults, args: ['a', 'b'], retries: 9 },
    });
  });

  it('is none by its user’s word, and cannot be without a command', () => {
    assert.equal(plan({ healthCheck: { test: ['NONE'] } }, check), null);
    assert.throws(() => plan({ healthCheck: { retries: 5 } }), /retries is of a health check, and the image has none/);
  });
});

describe('a probe', () => {
  it('has Kubernetes’ defaults', () => {
    const { probes } = planHealth(
      { probes: { startup: { exec: { command: ['x'] } }, liveness: { httpGet: { port: 80 } } } },
      { healthCheck: null, shell: [] },
    );
    const times = { initialDelay: 0, period: 10, timeout: 1, successThreshold: 1, failureThreshold: 3 };
    assert.deepEqual(probes, {
      startup: { action: { type: 'exec', args: ['x'] }, ...times },
      liveness: { action: { type: 'http', port: 80, path: '/', https: false, headers: [] }, ...times },
      readiness: null,
    });
  });
});
