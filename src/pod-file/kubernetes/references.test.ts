import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { References } from './references.ts';

describe('a reference to a variable', () => {
  const variables = new Map([
    ['A', '1'],
    ['B', '$(A)'],
  ]);
  for (const [text, expanded] of [
    ['$(A)$(A)', '11'],
    ['$(B)', '$(A)'],
    ['$(C) $A ${A} $(', '$(C) $A ${A} $('],
    ['$$(A) $$$(A)', '$(A) $1'],
  ] as const) {
    it(`in ${text} gives ${expanded}`, () => assert.equal(new References().expand(text, variables), expanded));
  }

  it('that doubles what it refers to ends at a MiB', () => {
    const references = new References();
    let value = 'x';
    for (let level = 0; level < 60; level++) value = references.expand('$(V)$(V)', new Map([['V', value]]));
    assert.ok(references.areTooLong);
    assert.ok(value.length <= 1 << 20);
  });
});
