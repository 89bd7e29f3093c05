import assert from 'node:assert/strict';
import { it } from 'node:test';
import { tscKhzOf } from './tsc-rate.ts';

const cpuinfo = (mhz: string, flags: string): string =>
  `processor\t: 0\ncpu MHz\t\t: ${mhz}\nflags\t\t: fpu ${flags} sse\n\n`;

it('the counter’s rate is what the kernel found, where it does not show the clock of the moment', () => {
  assert.equal(tscKhzOf(cpuinfo('2445.404', 'constant_tsc')), 2_445_404);
  assert.equal(tscKhzOf(cpuinfo('800.000', 'constant_tsc') + cpuinfo('3100.012', 'constant_tsc')), 800_000);
  assert.equal(tscKhzOf(cpuinfo('2445.404', 'constant_tsc aperfmperf')), undefined);
  assert.equal(tscKhzOf(cpuinfo('2445.404', 'tsc')), undefined);
  assert.equal(tscKhzOf(''), undefined);
});
