import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Command } from 'commander';
import { addHealthOptions, healthCheckOf, type HealthOptions } from './health-options.ts';

const read = (...args: string[]): ReturnType<typeof healthCheckOf> =>
  healthCheckOf(addHealthOptions(new Command().exitOverride()).parse(args, { from: 'user' }).opts<HealthOptions>());

describe('the options of a health check', () => {
  it('say nothing unless they are given', () => assert.equal(read(), undefined));

  it('are docker’s', () => {
    const times = ['--health-interval', '1m30s', '--health-timeout', '500ms', '--health-start-period', '0'];
    const spec = read('--health-cmd', 'curl -f localhost', ...times, '--health-retries', '5');
    assert.deepEqual(JSON.parse(JSON.stringify(spec)), {
      test: ['CMD-SHELL', 'curl -f localhost'],
      ...{ intervalSeconds: 90, timeoutSeconds: 0.5, startPeriodSeconds: 0, retries: 5 },
    });
    assert.deepEqual(read('--no-healthcheck'), { test: ['NONE'] });
  });

  it('are refused where they cannot be', () => {
    assert.throws(() => read('--health-interval', '0s'), /--health-interval is '0s': give a time as 30s/);
    assert.throws(() => read('--health-timeout', '25h'), /at most 24h/);
    assert.throws(() => read('--health-retries', '0'), /give a whole number of 1 or more/);
    assert.throws(() => read('--no-healthcheck', '--health-cmd', 'x'), /give one of them/);
  });
});
