import assert from 'node:assert/strict';
import { it } from 'node:test';
import { scaleTo } from './axis.ts';
import { dotStrips } from './dot-strips.ts';
import { stackedBars } from './stacked-bars.ts';

it('scales from 0 to a round number that holds every value', () => {
  for (const max of [0.7, 9.99, 10, 87.3, 1601, 8598]) {
    const { ticks, at } = scaleTo(max, 10, 100);
    const last = ticks.at(-1) ?? NaN;
    assert.ok(last >= max && last < 2 * max, `${last} for ${max}`);
    assert.ok(ticks.length <= 9);
    assert.equal(at(0), 10);
    assert.equal(at(last), 110);
  }
});

it('draws a dot a sample, a bar for the median, and the limits by name', () => {
  const strip = {
    caption: 'a < b & c',
    values: [1, 2, 30],
    colour: '#123456',
    limits: [{ name: 'reach 0.5', value: 7 }],
  };
  const drawn = dotStrips({ title: 't', unit: 'ms', strips: [strip] });
  assert.equal(drawn.match(/<circle /g)?.length, 3);
  assert.match(drawn, /median 2\.0 ms/);
  assert.match(drawn, /reach 0\.5/);
  assert.match(drawn, /a &lt; b &amp; c/);
});

it('stacks parts without gaps, in the colours of the legend', () => {
  const parts = [
    { name: 'QEMU', value: 20 },
    { name: 'boot', value: 80 },
  ];
  const bars = { title: 't', unit: 'ms', groups: [[{ caption: 'run', parts }]], names: ['QEMU', 'boot'] };
  const boxes = [
    ...stackedBars(bars).matchAll(/<rect x="([\d.]+)" y="\d+" width="([\d.]+)" height="26" fill="(#\w+)"/g),
  ];
  const [first, second] = boxes.map(([, x, width, fill]) => ({ x: Number(x), width: Number(width), fill }));
  assert.equal((first?.x ?? 0) + (first?.width ?? 0), second?.x);
  assert.equal((second?.width ?? 0) / (first?.width ?? 1), 4);
  assert.notEqual(first?.fill, second?.fill);
});
