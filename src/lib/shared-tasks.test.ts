import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SharedTasks } from './shared-tasks.ts';

const never = new AbortController().signal;
const nothing = (): void => undefined;

describe('a shared task', () => {
  it('runs once for all who ask while it runs, and tells each its progress', async () => {
    const tasks = new SharedTasks<number, string>();
    let runs = 0;
    const heard: string[] = [];
    const work = async (_signal: AbortSignal, report: (progress: string) => void): Promise<number> => {
      await Promise.resolve();
      report('half');
      return ++runs;
    };
    const join = () => tasks.join('a', never, (progress) => heard.push(progress), work);

    assert.deepEqual(await Promise.all([join(), join()]), [1, 1]);
    assert.deepEqual(heard, ['half', 'half']);
    assert.equal(await join(), 2);
  });

  it('fails for all who ask, and is begun anew after', async () => {
    const tasks = new SharedTasks<number, never>();
    const fail = () => tasks.join('a', never, nothing, () => Promise.reject(new Error('no')));

    const results = await Promise.allSettled([fail(), fail()]);

    assert.deepEqual(
      results.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    assert.equal(await tasks.join('a', never, nothing, () => Promise.resolve(1)), 1);
  });

  it('goes on while one is left; the last to give up stops it, and waits until it has cleaned up', async () => {
    const tasks = new SharedTasks<number, never>();
    const cleanedUp = Promise.withResolvers<undefined>();
    const stopped: boolean[] = [];
    const work = async (signal: AbortSignal): Promise<number> => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      stopped.push(true);
      await cleanedUp.promise;
      throw new Error('stopped');
    };
    const [first, last] = [new AbortController(), new AbortController()];
    const one = tasks.join('a', first.signal, nothing, work);
    const two = tasks.join('a', last.signal, nothing, work);

    first.abort();
    await assert.rejects(one, { code: 'cancelled' });
    assert.deepEqual(stopped, []);
    last.abort();
    // Who comes now gets work of its own.
    assert.equal(await tasks.join('a', never, nothing, () => Promise.resolve(7)), 7);
    cleanedUp.resolve(undefined);
    await assert.rejects(two, { code: 'cancelled' });
    assert.deepEqual(stopped, [true]);
  });
});
