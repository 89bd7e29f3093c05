import assert from 'node:assert/strict';
import { it } from 'node:test';
import { RunTiming } from '../src/cli/output/run-timing.ts';
import { mergeOrder, parseTiming } from './run-timing.ts';

it('reads the table of `hyper run --timing`', () => {
  const timing = new RunTiming();
  timing.lap('start of the client');
  timing.started({
    origin: 'pool',
    steps: [
      { name: 'guest set-up, disks', milliseconds: 12.34 },
      { name: 'container', milliseconds: 1234.5 },
    ],
  });
  timing.lap('process, its output and exit');
  const steps = parseTiming(`POD id is pod-abcdefghij\n${timing.table()}`);
  const names = ['start of the client', 'guest set-up, disks', 'container', 'request that starts it'];
  assert.deepEqual([...steps.keys()], [...names, 'process, its output and exit']);
  assert.equal(steps.get('guest set-up, disks'), 12.3);
  assert.equal(steps.get('container'), 1234.5);
});

it('refuses what is no such table', () => {
  assert.throws(() => parseTiming('POD id is pod-abcdefghij'), /no steps/);
});

it('puts the steps of several ways into one order', () => {
  const ways = [
    ['client', 'network', 'QEMU', 'boot', 'set-up'],
    ['client', 'QEMU', 'state', 'set-up'],
    ['client', 'set-up', 'end'],
  ];
  assert.deepEqual(mergeOrder(ways), ['client', 'network', 'QEMU', 'state', 'boot', 'set-up', 'end']);
});
