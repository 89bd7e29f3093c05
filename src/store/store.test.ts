import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ExecRecord } from './exec-record.ts';
import { PodRecord } from './pod-record.ts';
import { Store } from './store.ts';

const container = {
  ...{ id: 'c'.repeat(64), name: 'web', image: 'busybox', imageId: 'sha256:0', args: ['true'], env: [], workdir: '/' },
  ...{ user: '', tty: false, stdin: false, stdinOnce: false, readOnly: false, tmpfs: [], ulimits: [], volumes: [] },
  ...{ labels: {}, stopSignal: 15, terminalSize: null, number: 1, state: 'pending', startedAt: null, finishedAt: null },
  ...{ exitCode: null, oomKilled: false, error: null },
};
const pod = {
  ...{ id: 'pod-aaaaaaaaaa', name: 'web', hostname: 'web', state: 'pending', vcpus: 1, memoryMiB: 128 },
  ...{ storageMiB: 64, labels: {}, autoRemove: false, createdAt: '2026-01-01T00:00:00.000Z', startedAt: null },
  ...{ finishedAt: null, reason: null, vm: null, endpoints: [], persistedEvent: 0, containers: [container] },
};

describe('the store', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hyper-store-'));
  });
  after(async () => {
    await rm(folder, { recursive: true });
  });

  it('does not take back a pod that was deleted: its name is free, though something is still under way', () => {
    using store = Store.open(join(folder, 'hyper.db'));
    const record = PodRecord.parse(pod);
    store.savePod(record);
    store.deletePod(record.id);
    assert.throws(() => store.savePod(record), { code: 'not_found', message: /web was removed/ });
    store.savePod({ ...record, id: 'pod-bbbbbbbbbb' });
    assert.deepEqual(
      store.pods().map(({ id }) => id),
      ['pod-bbbbbbbbbb'],
    );
  });

  it('keeps execs, oldest first and as they were saved last, and deletes them with their pod', () => {
    const path = join(folder, 'execs.db');
    const exec = (id: string, podId: string, spec: ExecRecord['spec'] = { args: ['true'] }): ExecRecord => ({
      ...{ id, podId, containerId: null, spec, process: 0, state: 'created', exitCode: null, error: null },
    });
    const [one, other] = [exec('b', pod.id, { args: ['sh'], env: ['A=1'], tty: true }), exec('a', 'pod-bbbbbbbbbb')];
    {
      using store = Store.open(path);
      store.savePod(PodRecord.parse(pod));
      for (const each of [one, other, exec('c', pod.id)]) store.execs.save(each, []);
      Object.assign(one, { state: 'exited', exitCode: 3, process: 7 });
      store.execs.save(one, []);
      store.execs.delete('c');
    }
    using store = Store.open(path);
    assert.deepEqual(store.execs.all(), [one, other]);
    store.deletePod(pod.id);
    assert.deepEqual(store.execs.all(), [other]);
  });
});
