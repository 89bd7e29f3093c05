import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { refuseTooManyVcpus } from './vcpu-bound.ts';

describe('the virtual CPUs of a VM', () => {
  it('may be more than the host has, and under emulation eight for each of its own', () => {
    for (const vcpus of [undefined, 1, 4, 16]) refuseTooManyVcpus(vcpus, { accelerator: 'tcg' }, 2);
    refuseTooManyVcpus(64, { accelerator: 'kvm' }, 2);
    assert.throws(() => refuseTooManyVcpus(17, { accelerator: 'tcg' }, 2), {
      code: 'bad_request',
      message:
        'vcpus: 17 is more than this host can start without KVM: it has 2 CPUs, which emulate at most 16: give 1 to 16',
    });
  });
});
