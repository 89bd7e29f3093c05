import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as packets from 'dns-packet';
import fc from 'fast-check';
import { errorAnswer, frame, headerLength, isAnswerTo, rcode, Unframer, withId } from './message.ts';
import { noNames } from './names.ts';
import { answerOwn, parseQuery } from './query.ts';

const query = (name: string) =>
  packets.encode({ type: 'query', id: 7, flags: 0x100, questions: [{ type: 'A', name, class: 'IN' }] });
const answerTo = (name: string) =>
  packets.encode({ type: 'response', id: 7, questions: [{ type: 'A', name, class: 'IN' }] });
const bytes = () => fc.uint8Array({ maxLength: 600 }).map((array) => Buffer.from(array));
/** Bytes that begin like a query: they come further than noise does. */
const almostQueries = () =>
  fc.tuple(bytes(), fc.nat(60), fc.nat(255)).map(([noise, at, value]) => {
    const message = Buffer.concat([query('www.example.com'), noise]);
    message[at % message.length] = value;
    return message;
  });

describe('DNS messages', () => {
  it('takes no bytes for more than they are: garbage is silence or an error answer', () => {
    fc.assert(
      fc.property(fc.oneof(bytes(), almostQueries()), (message) => {
        const parsed = parseQuery(message);
        if (parsed === 'silence') return;
        if ('refuse' in parsed) assert.ok(errorAnswer(message, parsed.refuse).length >= headerLength);
        else assert.equal(answerOwn(parsed, noNames)?.length ?? 0, 0);
      }),
      { numRuns: 2000 },
    );
  });

  it('knows the answer to a query from one to another', () => {
    assert.ok(isAnswerTo(answerTo('EXAMPLE.com'), query('example.com')));
    assert.ok(!isAnswerTo(answerTo('example.org'), query('example.com')));
    assert.ok(!isAnswerTo(withId(answerTo('example.com'), 8), query('example.com')));
    assert.ok(!isAnswerTo(query('example.com'), query('example.com')));
    fc.assert(fc.property(bytes(), bytes(), (a, b) => void isAnswerTo(a, b)));
  });

  it('answers an error with the question it is about', () => {
    const answer = packets.decode(errorAnswer(query('example.com'), rcode.serverFailure));
    assert.equal(answer.id, 7);
    assert.equal(answer.questions?.[0]?.name, 'example.com');
  });

  it('cuts a stream into its messages however it is chunked', () => {
    fc.assert(
      fc.property(fc.array(bytes(), { maxLength: 5 }), fc.integer({ min: 1, max: 50 }), (messages, size) => {
        const stream = Buffer.concat(messages.map(frame));
        const unframer = new Unframer();
        const out: Buffer[] = [];
        for (let at = 0; at < stream.length; at += size) out.push(...unframer.push(stream.subarray(at, at + size)));
        assert.deepEqual(out, messages);
      }),
    );
  });
});
