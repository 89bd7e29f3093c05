import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { vcpusOf } from './limit-options.ts';

describe('--cpus', () => {
  it('alone gives the VM as many processors as it takes', () => {
    for (const [cpus, vcpus] of [
      [0.5, undefined],
      [1, undefined],
      [1.5, 2],
      [4, 4],
    ] as const) {
      assert.equal(vcpusOf({ cpus }, 4), vcpus, String(cpus));
    }
    assert.throws(() => vcpusOf({ cpus: 4.5 }, 4), /--cpus is 4.5, and this machine has 4: give 0.01 to 4/);
  });

  it('beside --cpu takes of those', () => {
    assert.equal(vcpusOf({ cpu: 8, cpus: 4.5 }, 4), 8);
    assert.equal(vcpusOf({ cpu: 3 }, 4), 3);
    assert.equal(vcpusOf({}, 4), undefined);
    assert.throws(() => vcpusOf({ cpu: 2, cpus: 2.5 }, 4), /--cpus is 2.5, and the VM has 2: .* with --cpu 3/);
  });
});
