import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { byteString, bytesOf, quoteBytes } from './byte-string.ts';

describe('a byte string', () => {
  it('gives back its bytes and sorts by them', () => {
    const bytes = fc.uint8Array({ maxLength: 50 }).map((array) => Buffer.from(array));
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        assert.deepEqual(bytesOf(byteString(a)), a);
        assert.equal(byteString(a) < byteString(b), a.compare(b) < 0);
      }),
    );
  });

  it('is UTF-8 when made from a text, and readable when quoted', () => {
    assert.deepEqual(bytesOf(byteString('é')), Buffer.from('é'));
    assert.equal(quoteBytes(byteString('é\n')), '"é\\n"');
    assert.equal(quoteBytes(byteString(Buffer.from([0x41, 0xff]))), '"Aÿ"');
  });
});
