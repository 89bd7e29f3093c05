import assert from 'node:assert/strict';
import { it } from 'node:test';
import { verdictOf } from './limits.ts';

it('tells what was hoped for from what was asked for, and both from neither', () => {
  const limits = { reach: 0.3, aim: 0.18 };
  assert.equal(verdictOf(0.18, limits, 'less'), 'aim');
  assert.equal(verdictOf(0.3, limits, 'less'), 'reached');
  assert.equal(verdictOf(0.31, limits, 'less'), 'missed');
  assert.equal(verdictOf(NaN, limits, 'less'), 'missed');
  assert.equal(verdictOf(0.1, {}, 'less'), null);
});

it('wants rates to be high', () => {
  assert.equal(verdictOf(0.6, { reach: 0.5 }, 'more'), 'reached');
  assert.equal(verdictOf(0.4, { reach: 0.5 }, 'more'), 'missed');
});
