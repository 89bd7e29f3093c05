import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseOptions } from './options.ts';

const known = ['run', 'exec'];

it('measures everything in 15 pairs unless told otherwise', () => {
  assert.deepEqual(parseOptions([], known), {
    ...{ names: [], runs: 15, record: false, json: false },
    qemu: 'distribution',
  });
  assert.equal(parseOptions(['--quick'], known).runs, 3);
  assert.deepEqual(parseOptions(['exec', '--runs', '5'], known).names, ['exec']);
  assert.equal(parseOptions(['--qemu', 'hyper'], known).qemu, 'hyper');
});

it('records nothing but whole runs of enough pairs', () => {
  assert.equal(parseOptions(['--record', '--runs', '20'], known).runs, 20);
  for (const more of [['--quick'], ['--runs', '14'], ['run']]) {
    assert.throws(() => parseOptions(['--record', ...more], known), /whole runs/);
  }
});

it('refuses what it does not know', () => {
  assert.throws(() => parseOptions(['fly'], known), /no measure 'fly'/);
  assert.throws(() => parseOptions(['--runs', 'many'], known), /number/);
  assert.throws(() => parseOptions(['--qemu', 'other'], known), /'distribution' or 'hyper'/);
});
