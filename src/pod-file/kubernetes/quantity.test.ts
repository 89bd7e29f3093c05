import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseQuantity } from './quantity.ts';

describe('a quantity', () => {
  for (const [text, value] of [
    ['500m', 0.5],
    ['2', 2],
    [1.5, 1.5],
    ['.5', 0.5],
    ['128Mi', 134_217_728],
    ['1G', 1e9],
    ['1e3', 1000],
    ['1E', 1e18],
    ['100u', 1e-4],
  ] as const) {
    it(`${text} is ${value}`, () => assert.equal(parseQuantity(text), value));
  }
  for (const text of ['', 'lots', '1 Gi', '-1', '1mi', '1Mib', '0x10', '1e9999', 'Infinity', NaN, '1e3Mi']) {
    it(`is not ${text}`, () => assert.equal(parseQuantity(text), undefined));
  }
});
