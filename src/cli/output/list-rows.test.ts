import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakePod } from '../../../test/cli/fake-answers.ts';
import type { Container, Pod } from '../../contract/index.ts';
import { containerRow, podRow } from './list-rows.ts';

const ended = { exitCode: 1, finishedAt: new Date(Date.now() - 5500).toISOString(), restarting: true } as const;

function podOf(...changes: readonly Partial<Container>[]): Pod {
  const pod = fakePod('pod-a', { containers: [{ image: 'busybox' }] }, 'running');
  return { ...pod, containers: changes.flatMap((change) => pod.containers.map((each) => ({ ...each, ...change }))) };
}

test('what waits for its next start is shown as docker shows it, and its state as it is', () => {
  const pod = podOf({ ...ended, state: 'failed' });
  assert.deepEqual([podRow(pod).Status, podRow(pod).State], ['Restarting (1) 5 seconds ago', 'running']);
  const rows = pod.containers.map(containerRow);
  assert.deepEqual([rows[0]?.Status, rows[0]?.State], ['Restarting (1) 5 seconds ago', 'failed']);
});

test('a pod runs while one of its containers does', () => {
  assert.equal(podRow(podOf({ ...ended, state: 'failed' }, { state: 'running' })).Status, 'running');
  assert.equal(podRow(podOf({ state: 'failed', exitCode: 1 })).Status, 'running'); // its end is on its way
});
