import assert from 'node:assert/strict';
import { it } from 'node:test';
import { breakdownTable, factTable } from './report.ts';

it('says of each figure whether it is what was asked for', () => {
  const fact = { what: 'a VM', unit: 'MB', reach: 28, aim: 22 } as const;
  const rows = factTable([
    { ...fact, value: 21 },
    { ...fact, value: 27.04 },
    { ...fact, value: 130 },
  ]).split('\n');
  assert.deepEqual(rows.slice(2), [
    '| a VM | 21.0 MB | ≤ 28 MB | ≤ 22 MB | yes, the aim |',
    '| a VM | 27.0 MB | ≤ 28 MB | ≤ 22 MB | yes          |',
    '| a VM | 130 MB  | ≤ 28 MB | ≤ 22 MB | **no**       |',
  ]);
});

it('puts the steps of all ways side by side, with their sums', () => {
  const step = (name: string, milliseconds: number) => ({ name, milliseconds, samples: [milliseconds] });
  const ways = [
    { of: 'floor', steps: [step('client', 30), step('process', 5)] },
    { of: 'boot', steps: [step('client', 31), step('boot', 1500.26), step('process', 40)] },
  ];
  assert.deepEqual(breakdownTable(ways).split('\n').slice(2), [
    '| client             | 30.0  | 31.0   |',
    '| boot               |       | 1500.3 |',
    '| process            | 5.0   | 40.0   |',
    '| all of them        | 35.0  | 1571.3 |',
  ]);
});
