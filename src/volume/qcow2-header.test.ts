import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HyperError } from '../lib/errors.ts';
import { checkQcow2, qcow2HeaderBytes } from './qcow2-header.ts';

/** The header of an image that QEMU makes, and changes to it: offset, bytes, value. */
function header(...changes: readonly (readonly [at: number, width: 4 | 8, value: bigint | number])[]): Buffer {
  const bytes = Buffer.alloc(qcow2HeaderBytes);
  const fields = [
    [0, 4, 0x514649fb],
    [4, 4, 3],
    [20, 4, 16],
    [24, 8, 1n << 30n],
    [96, 4, 4],
    [100, 4, 104],
  ] as const;
  for (const [at, width, value] of [...fields, ...changes]) {
    if (width === 4) bytes.writeUInt32BE(Number(value), at);
    else bytes.writeBigUInt64BE(BigInt(value), at);
  }
  return bytes;
}

describe('the header of a qcow2 image', () => {
  it('may be of either version, and of an image that was not closed', () => {
    checkQcow2('x', header());
    checkQcow2('x', header([4, 4, 2]).subarray(0, 72));
    checkQcow2('x', header([72, 8, 0b11001])); // dirty, compression type, extended entries
  });

  for (const [what, bytes, code, words] of [
    ['a backing file', header([8, 8, 0x1000], [16, 4, 11]), 'unsupported', /has a backing file/],
    ['a backing file of no length', header([8, 8, 0x1000]), 'unsupported', /has a backing file/],
    ['a backing file at no place', header([16, 4, 11]), 'unsupported', /has a backing file/],
    ['a backing file far away', header([8, 8, (1n << 64n) - 1n]), 'unsupported', /has a backing file/],
    ['AES', header([32, 4, 1]), 'unsupported', /is encrypted/],
    ['LUKS', header([32, 4, 2]), 'unsupported', /is encrypted/],
    ['an external data file', header([72, 8, 0b100]), 'unsupported', /keeps its data in another file/],
    ['the mark of corruption', header([72, 8, 0b10]), 'unsupported', /marked as corrupt/],
    ['a feature to come', header([72, 8, 1n << 5n]), 'unsupported', /features of qcow2 that are not known/],
    ['all features at once', header([72, 8, (1n << 64n) - 1n]), 'unsupported', /another file/],
    ['a feature in its highest bit', header([72, 8, 1n << 63n]), 'unsupported', /not known/],
    ['version 1', header([4, 4, 1]), 'unsupported', /version 1/],
    ['version 4', header([4, 4, 4]), 'unsupported', /version 4/],
    ['no magic', header([0, 4, 0x4b444d56]), 'bad_request', /is not qcow2/],
    ['nothing in it', Buffer.alloc(0), 'bad_request', /is not qcow2/],
    ['its magic alone', header().subarray(0, 4), 'bad_request', /is not qcow2/],
    ['an end before its features', header().subarray(0, 100), 'bad_request', /cut off/],
    ['an end before its encryption', header([4, 4, 2]).subarray(0, 32), 'bad_request', /cut off/],
  ] as const) {
    it(`is refused with ${what}`, () => {
      assert.throws(
        () => checkQcow2('/x.qcow2', bytes),
        (error) => error instanceof HyperError && error.code === code && words.test(error.message),
      );
    });
  }
});
