import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { vmdkDescriptor } from './vmdk-descriptor.ts';

describe('a VMDK descriptor', () => {
  it('lists its extents as RW and without a blank line before the first', () => {
    const text = vmdkDescriptor([
      { path: 'metadata.erofs', bytes: 8192 },
      { path: '../é layer/data', bytes: 4096 },
    ]);
    const lines = text.split('\n');
    const first = lines.indexOf('RW 16 FLAT "metadata.erofs" 0');
    assert.equal(lines[first + 1], 'RW 8 FLAT "../é layer/data" 0');
    assert.ok(lines.slice(0, first).every((line) => line !== ''));
  });

  it('refuses what QEMU would not read: odd and long paths, and more than 1 MiB', () => {
    for (const path of ['a"b', 'a\nb', 'a'.repeat(512)]) {
      assert.throws(() => vmdkDescriptor([{ path, bytes: 4096 }]), { code: 'unsupported' });
    }
    const many = Array.from({ length: 30_000 }, () => ({ path: 'x'.repeat(100), bytes: 4096 }));
    assert.throws(() => vmdkDescriptor(many), { code: 'unsupported' });
  });
});
