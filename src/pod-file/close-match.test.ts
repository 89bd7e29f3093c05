import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { closeMatch } from './close-match.ts';

describe('a word that is near', () => {
  const known = ['image', 'volumes', 'tty', 'hostPort'];
  for (const [word, match] of [
    ['imgae', 'image'],
    ['Image', 'image'],
    ['hostport', 'hostPort'],
    ['volume', 'volumes'],
    ['ty', 'tty'],
    ['to', undefined],
    ['images-of', undefined],
    ['x'.repeat(100_000), undefined],
  ] as const) {
    it(`to ${word.slice(0, 20)} is ${match ?? 'none'}`, () => assert.equal(closeMatch(word, known), match));
  }
});
