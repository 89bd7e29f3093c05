import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PodRecord } from './pod-record.ts';

const container = {
  ...{ id: 'c', name: 'web', image: 'busybox', imageId: 'i', args: ['true'], env: [], workdir: '/', user: '' },
  ...{ tty: false, stdin: false, stdinOnce: false, readOnly: false, tmpfs: [], ulimits: [], volumes: [], labels: {} },
  ...{ stopSignal: 15, terminalSize: null, number: 1, state: 'running', startedAt: null, finishedAt: null },
  ...{ exitCode: null, oomKilled: false, error: null },
};
const pod = {
  ...{ id: 'pod-a', name: 'web', hostname: 'web', state: 'running', vcpus: 1, memoryMiB: 128, storageMiB: 64 },
  ...{ labels: {}, autoRemove: false, createdAt: '', startedAt: null, finishedAt: null, reason: null, vm: null },
  ...{ persistedEvent: 0, containers: [container] },
};
const endpoint = {
  ...{ network: 'hyper0', tap: 'hyAAAAAAAAAA-0', mac: '02:68:c0:a8:7b:02', address: '192.168.123.2' },
  ...{ prefixLength: 24, gateway: '192.168.123.1', mtu: 1500, dns: ['192.168.123.1'] },
};

describe('a stored pod', () => {
  it('of a hyperd that knew one network is read, with a NIC or without', () => {
    const [nic] = PodRecord.parse({ ...pod, endpoint }).endpoints;
    assert.deepEqual([nic?.nic, nic?.tap, nic?.internal], [0, 'hyAAAAAAAAAA-0', false]);
    assert.deepEqual(PodRecord.parse({ ...pod, endpoint: null }).endpoints, []);
  });

  it('of a hyperd that knew no IPv6 has none', () => {
    assert.equal(PodRecord.parse({ ...pod, endpoints: [endpoint] }).endpoints[0]?.ipv6, null);
  });

  it('is read as it was written', () => {
    const record = PodRecord.parse({ ...pod, endpoint });
    assert.deepEqual(PodRecord.parse(JSON.parse(JSON.stringify(record))), record);
  });
});
