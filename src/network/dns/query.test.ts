import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as packets from 'dns-packet';
import { rcode } from './message.ts';
import type { Names } from './names.ts';
import { answerOwn, parseQuery } from './query.ts';

const names: Names = {
  resolve: (name) => (name === 'web' ? ['10.0.0.2', 'fd00:1::2'] : undefined),
  reverse: (address) => (address === 'fd00:1::2' ? 'web' : address.startsWith('fd00:1:') ? null : undefined),
};

function ask(type: packets.RecordType, name: string): packets.DecodedPacket | undefined {
  const query = parseQuery(packets.encode({ type: 'query', id: 1, questions: [{ type, name }] }));
  assert.ok(typeof query === 'object' && 'name' in query);
  const answer = answerOwn(query, names);
  return answer && packets.decode(answer);
}

const dataOf = (answer: packets.DecodedPacket | undefined): unknown[] =>
  (answer?.answers ?? []).map((each) => [each.type, 'data' in each ? each.data : null]);

describe('a query for one of our names', () => {
  it('is answered with the addresses of the family that it asks for', () => {
    assert.deepEqual(dataOf(ask('A', 'web')), [['A', '10.0.0.2']]);
    assert.deepEqual(dataOf(ask('AAAA', 'Web')), [['AAAA', 'fd00:1::2']]);
    assert.deepEqual(dataOf(ask('TXT', 'web')), []);
    assert.equal(ask('AAAA', 'elsewhere'), undefined);
  });

  it('may be for an address of IPv6, digit by digit', () => {
    const pointer = (address: string): string => `${(address.match(/./g) ?? []).reverse().join('.')}.ip6.arpa`;
    const own = 'fd000001000000000000000000000002';
    assert.deepEqual(dataOf(ask('PTR', pointer(own))), [['PTR', 'web']]);
    const { flags = 0 } = ask('PTR', pointer(own.replace(/2$/, '3'))) ?? {};
    assert.equal(flags & 0xf, rcode.nameError);
    assert.equal(ask('PTR', pointer(own.replace(/^fd/, 'fc'))), undefined);
    assert.equal(ask('PTR', pointer(own).slice(2)), undefined);
  });
});
