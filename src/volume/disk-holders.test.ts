import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DiskHolders } from './disk-holders.ts';

const { signal } = new AbortController();
const one = { id: 'pod-one', name: 'one' };
const other = { id: 'pod-other', name: 'other' };
const writable = { key: '1:2', name: '/x.raw', readOnly: false };
const readOnly = { ...writable, readOnly: true };

describe('a disk', () => {
  it('is one pod’s at a time where anybody writes it', async () => {
    for (const [first, second] of [
      [writable, writable],
      [writable, readOnly],
      [readOnly, writable],
    ] as const) {
      const holders = new DiskHolders();
      await holders.hold(first, one, signal);
      await assert.rejects(holders.hold(second, other, signal), /\/x.raw is a disk and pod one has it/);
      await holders.hold(second, one, signal); // its own
      holders.letGo(one.id);
      await holders.hold(second, other, signal);
    }
  });

  it('is for all who only read it', async () => {
    const holders = new DiskHolders();
    await holders.hold(readOnly, one, signal);
    await holders.hold(readOnly, other, signal);
    const third = { id: 'pod-third', name: 'third' };
    await assert.rejects(holders.hold(writable, third, signal), /has it/);
    holders.letGo(one.id);
    await assert.rejects(holders.hold(writable, third, signal), /pod other has it/);
    holders.letGo(other.id);
    await holders.hold(writable, third, signal);
  });

  it('is waited for while the VM of a pod that has ended goes', async () => {
    const holders = new DiskHolders();
    await holders.hold(readOnly, one, signal);
    await holders.hold(readOnly, other, signal);
    holders.ending(one.id);
    holders.ending(other.id);
    const third = { id: 'pod-third', name: 'third' };
    const held = holders.hold(writable, third, signal);
    holders.letGo(one.id);
    let has = false;
    void held.then(() => (has = true));
    await new Promise(setImmediate);
    assert.equal(has, false);
    holders.letGo(other.id);
    await held;
    const given = new AbortController();
    holders.ending(third.id);
    const waits = holders.hold(writable, one, given.signal);
    given.abort();
    await assert.rejects(waits, /cancelled/);
  });
});
