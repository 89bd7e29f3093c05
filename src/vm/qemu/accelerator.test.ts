import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type KvmFacts, obstacleToKvm } from './accelerator.ts';

const withKvm: KvmFacts = {
  device: { mode: 0o20660, gid: 107 },
  cpuinfo: 'processor\t: 0\nflags\t\t: fpu vme vmx ssse3\nbugs\t\t:\n',
  tryStart: () => Promise.resolve(),
};

describe('the obstacle to KVM', () => {
  it('is none where a trial VM starts, with the group that opens the device', async () => {
    const groups: (number | null)[] = [];
    const tryStart = (group: number | null): Promise<void> => {
      groups.push(group);
      return Promise.resolve();
    };
    assert.equal(await obstacleToKvm({ ...withKvm, tryStart }), null);
    await obstacleToKvm({ ...withKvm, tryStart, device: { mode: 0o20666, gid: 107 } });
    await obstacleToKvm({ ...withKvm, tryStart, device: { mode: 0o20660, gid: 0 } });
    assert.deepEqual(groups, [107, null, null], "a group only where it is needed, and never root's");
  });

  it('is that there is no device', async () => {
    assert.match((await obstacleToKvm({ ...withKvm, device: null })) ?? '', /^there is no \/dev\/kvm/);
  });

  it('is a device without hardware behind it', async () => {
    const cpuinfo = withKvm.cpuinfo.replace('vmx ', 'vmxon svmx ');
    assert.match((await obstacleToKvm({ ...withKvm, cpuinfo })) ?? '', /neither vmx nor svm/);
  });

  it('is a device that is not open to the user that QEMU runs as', async () => {
    const tryStart = (): Promise<void> => Promise.reject(new Error('failed to initialize kvm: Permission denied'));
    assert.match((await obstacleToKvm({ ...withKvm, tryStart })) ?? '', /^QEMU's user has no right to \/dev\/kvm/);
  });

  it('is whatever else QEMU says of it', async () => {
    const tryStart = (): Promise<void> => Promise.reject(new Error('failed to set MSR 0x10a'));
    assert.match((await obstacleToKvm({ ...withKvm, tryStart })) ?? '', /does not start with it: failed to set MSR/);
  });
});
