import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readPodFile } from '../read-pod-file.ts';

const { signal } = new AbortController();

/** What a container gets of a volume that is called vv. */
async function mountOf(volume: object, mount: object = { volume: 'vv' }): Promise<unknown> {
  const file = {
    volumes: [{ name: 'vv', ...volume }],
    containers: [{ image: 'a', volumes: [{ path: '/data', ...mount }] }],
  };
  const { containers } = await readPodFile({ text: JSON.stringify(file) }, { signal });
  return JSON.parse(JSON.stringify(containers[0]?.mounts?.[0]));
}

const own = { type: 'volume', ofPod: true, source: 'vv', target: '/data', readOnly: false };

describe('a volume of a pod file', () => {
  const kinds: readonly (readonly [what: string, volume: object, mount: object])[] = [
    ['without a source is a fresh folder of the pod', {}, own],
    ['without a source is that with vfs too', { format: 'vfs' }, own],
    ['of raw without a source is a fresh disk', { format: 'raw' }, { ...own, options: { type: 'disk', size: '10g' } }],
    [
      'of qcow2 is one of a size',
      { format: 'qcow2', size: '512m', fstype: 'ext4', cache: 'writeback' },
      { ...own, options: { type: 'disk', size: '512m' } },
    ],
    ['by 0.2.1 has a driver', { driver: 'raw' }, { ...own, options: { type: 'disk', size: '10g' } }],
    [
      'of vfs is of the host',
      { format: 'vfs', source: '/srv' },
      { type: 'bind', source: '/srv', target: '/data', readOnly: false },
    ],
    [
      'of qcow2 with a source is that disk',
      { format: 'qcow2', source: '/d.qcow2', fstype: 'xfs' },
      { type: 'disk', source: '/d.qcow2', format: 'qcow2', fstype: 'xfs', target: '/data', readOnly: false },
    ],
    [
      'of nas is mounted in the guest',
      { format: 'nas', source: 'files.example:/export' },
      { type: 'nfs', source: 'files.example:/export', target: '/data', readOnly: false },
    ],
    [
      'of volume outlives the pod',
      { format: 'volume' },
      { type: 'volume', source: 'vv', target: '/data', readOnly: false },
    ],
    [
      'of volume may have another name there',
      { format: 'volume', source: 'db' },
      { type: 'volume', source: 'db', target: '/data', readOnly: false },
    ],
  ];
  for (const [what, volume, mount] of kinds) {
    it(what, async () => assert.deepEqual(await mountOf(volume), mount));
  }

  it('may stand at the container alone', async () => {
    const mount = await mountOf({}, { readOnly: true, detail: { source: '/srv', format: 'vfs' } });
    assert.deepEqual(mount, { type: 'bind', source: '/srv', target: '/data', readOnly: true });
    assert.deepEqual(await mountOf({}, { detail: {} }), { ...own, source: 'containers-0-volumes-0-data' });
  });
});
