import assert from 'node:assert/strict';
import { it } from 'node:test';
import { crc32c } from './crc32c.ts';

it('crc32c gives the check value of the catalogue of CRCs', () => {
  assert.equal((crc32c(Buffer.from('123456789'), 0xffff_ffff) ^ 0xffff_ffff) >>> 0, 0xe306_9283);
});
