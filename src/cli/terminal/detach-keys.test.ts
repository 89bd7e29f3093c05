import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UsageError } from '../usage-error.ts';
import { DetachScanner, parseDetachKeys } from './detach-keys.ts';

describe('detach keys', () => {
  it('are written as docker’s', () => {
    assert.deepEqual([...parseDetachKeys('ctrl-p,ctrl-q')], [16, 17]);
    assert.deepEqual([...parseDetachKeys('')], [16, 17]);
    assert.deepEqual(
      [...parseDetachKeys('a,ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_,DEL')],
      [97, 0, 27, 28, 29, 30, 31, 127],
    );
    for (const text of ['ab', 'ctrl-1', 'ctrl-', 'é', 'a,'])
      assert.throws(() => parseDetachKeys(text), UsageError, text);
  });

  const scan = (keys: string, ...chunks: string[]): string => {
    const scanner = new DetachScanner(Buffer.from(keys));
    let seen = '';
    for (const chunk of chunks) {
      const { forward, detached } = scanner.push(Buffer.from(chunk));
      seen += `${forward.toString()}${detached ? '!' : '.'}`;
    }
    return seen;
  };

  it('are found however they are cut, and their beginning alone goes on with the next key', () => {
    assert.equal(scan('PQ', 'abc'), 'abc.');
    assert.equal(scan('PQ', 'xPQy'), 'x!');
    assert.equal(scan('PQ', 'xP', 'Q'), 'x.!');
    assert.equal(scan('PQ', 'P', 'x'), '.Px.');
    assert.equal(scan('PQ', 'PPQ'), 'P!');
    assert.equal(scan('aab', 'aaab'), 'a!');
    assert.equal(scan('abac', 'ab', 'abac'), '.ab!');
  });
});
