import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { volumeKind } from './volume-options.ts';

describe('the options of a volume', () => {
  it('make a folder, or a disk of a size', () => {
    assert.deepEqual(volumeKind('local', {}), { kind: 'folder', sizeMiB: null });
    for (const [size, sizeMiB] of [
      ['1g', 1024],
      ['512m', 512],
      ['64MB', 64],
      ['1.5GiB', 1536],
      ['67108865', 65],
      ['16t', 16777216],
    ] as const) {
      assert.deepEqual(volumeKind('local', { type: 'disk', size }), { kind: 'disk', sizeMiB });
    }
  });

  it('are refused where they mean nothing', () => {
    for (const [driver, options, words] of [
      ['nfs', {}, /no volume driver 'nfs'/],
      ['local', { type: 'nfs' }, /device=/],
      ['local', { type: 'cifs' }, /type=cifs/],
      ['local', { type: 'disk', size: '1g', o: 'uid=1' }, /no option o/],
      ['local', { size: '1g' }, /type=disk too/],
      ['local', { type: 'disk' }, /size=1g/],
      ['local', { type: 'disk', size: '1m' }, /give 32m to 16t/],
      ['local', { type: 'disk', size: '17t' }, /give 32m to 16t/],
      ['local', { type: 'disk', size: 'large' }, /give 32m to 16t/],
      ['local', { type: 'disk', size: '-5g' }, /give 32m to 16t/],
    ] as const) {
      assert.throws(() => volumeKind(driver, options), words);
    }
  });
});
