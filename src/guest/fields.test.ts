import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { encodeFields, type Field, Fields, tag } from './fields.ts';

describe('fields', () => {
  it('are read as they were written', () => {
    const field: fc.Arbitrary<Field> = fc.tuple(
      fc.integer({ min: 1, max: 200 }),
      fc.oneof(
        fc.nat(),
        fc.string(),
        fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      ),
    );
    fc.assert(
      fc.property(fc.array(field), (list) => {
        const fields = new Fields(encodeFields(list));
        for (const [each, value] of list) {
          const found = fields.all(each);
          const wanted = encodeFields([[each, value]]).subarray(5);
          assert.ok(found.some((bytes) => bytes.equals(wanted)));
        }
      }),
    );
  });

  it('nest as records', () => {
    const bytes = encodeFields([[tag.process, [[tag.pid, 7]]]]);
    assert.equal(new Fields(new Fields(bytes).bytes(tag.process) ?? Buffer.alloc(0)).integer(tag.pid), 7);
  });

  it('from a hostile guest are refused or read, never worse', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        try {
          new Fields(Buffer.from(bytes)).integer(bytes[0] ?? 0);
        } catch (error) {
          assert.match(String(error), /broke its protocol/);
        }
      }),
    );
  });

  it('hold integers that a number can hold exactly', () => {
    const fields = new Fields(
      encodeFields([
        [tag.clock, 2n ** 60n],
        [tag.pid, Number.MAX_SAFE_INTEGER],
      ]),
    );
    assert.equal(fields.integer(tag.pid), Number.MAX_SAFE_INTEGER);
    assert.equal(fields.bigint(tag.clock), 2n ** 60n);
    assert.throws(() => fields.integer(tag.clock), /out of range/);
  });
});
