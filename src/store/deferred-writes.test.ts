import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fullDisk } from '../lib/errors.ts';
import { silentLog } from '../lib/log.ts';
import { DeferredWrites } from './deferred-writes.ts';

/** A disk that is full or not, and what was written to it or done after that. */
function disk(): { full: boolean; readonly written: string[]; readonly write: (what: string) => () => void } {
  const written: string[] = [];
  const state = {
    full: true,
    written,
    write: (what: string) => () => {
      if (state.full) throw fullDisk(undefined);
      written.push(what);
    },
  };
  return state;
}

describe('writes that a full disk keeps from being done', () => {
  it('are done in order before the next one, a later one in place of the earlier of the same thing', () => {
    const it = disk();
    using deferred = new DeferredWrites(silentLog);
    assert.equal(deferred.do('a', it.write('a1'), it.write('done a1')), false);
    assert.equal(deferred.do('b', it.write('b1')), false);
    assert.equal(deferred.do('a', it.write('a2'), it.write('done a2')), false);
    assert.throws(() => deferred.catchUp(), { code: 'no_space' });
    it.full = false;
    assert.equal(deferred.do('c', it.write('c1'), it.write('done c1')), true);
    assert.deepEqual(it.written, ['a2', 'done a1', 'done a2', 'b1', 'c1', 'done c1']);
  });

  it('are done when there is room though nothing else is written', async () => {
    const it = disk();
    using deferred = new DeferredWrites(silentLog);
    const done = Promise.withResolvers<void>();
    deferred.do('a', it.write('a'), done.resolve);
    it.full = false;
    const alive = setTimeout(() => undefined, 60_000); // it keeps no process alive by itself
    await done.promise;
    clearTimeout(alive);
    assert.deepEqual(it.written, ['a']);
  });

  it('are no others: what fails otherwise is told at once', () => {
    using deferred = new DeferredWrites(silentLog);
    assert.throws(() => {
      deferred.do('a', () => {
        throw new Error('broken');
      });
    }, /broken/);
    deferred.catchUp();
  });
});
