import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PodStats } from '../../contract/index.ts';
import { fakePod } from '../../../test/cli/fake-answers.ts';
import { unansweredRows, usageRows } from './usage-rows.ts';

const sample = (time: string, cpuMicroseconds: number, memoryLimitBytes: number | null): PodStats => ({
  ...{ podId: 'pod-a', name: 'web', time, vcpus: 2, receivedBytes: 1500, sentBytes: 10 },
  containers: [
    {
      id: 'c',
      name: 'web',
      cpuMicroseconds,
      memoryBytes: 5e6,
      memoryLimitBytes,
      pids: 3,
      readBytes: 0,
      writtenBytes: 2e6,
    },
  ],
});

test('a share of the processor is of the time between two samples', () => {
  const before = sample('2026-01-01T00:00:00.000Z', 1_000_000, 1e7);
  const [row] = usageRows(sample('2026-01-01T00:00:02.000Z', 4_000_000, 1e7), before);
  assert.deepEqual(
    [row?.CPUPerc, row?.MemUsage, row?.MemPerc, row?.NetIO, row?.BlockIO, row?.PIDs],
    ['150.00%', '5MB / 10MB', '50.00%', '1.5kB / 10B', '0B / 2MB', 3],
  );
});

test('one sample alone, a restart and no limit are no error', () => {
  const now = sample('2026-01-01T00:00:02.000Z', 5, null);
  assert.equal(usageRows(now, undefined)[0]?.CPUPerc, '0.00%');
  assert.equal(usageRows(now, sample('2026-01-01T00:00:00.000Z', 9e9, null))[0]?.CPUPerc, '0.00%');
  assert.deepEqual(
    [usageRows(now, undefined)[0]?.MemUsage, usageRows(now, undefined)[0]?.MemPerc],
    ['5MB / -', '0.00%'],
  );
});

test('of a pod that does not answer each container has its row, without a number', () => {
  const pod = fakePod('pod-a', { containers: [{ image: 'busybox' }] }, 'running');
  const [row, ...others] = unansweredRows(pod);
  assert.deepEqual([row?.Pod, row?.CPUPerc, row?.MemUsage, row?.PIDs], ['pod-a', '--', '-- / --', '--']);
  assert.deepEqual(others, []);
});
