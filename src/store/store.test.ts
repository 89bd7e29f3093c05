import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
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
});
