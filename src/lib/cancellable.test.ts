import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { retry } from './backoff.ts';
import { cancellable } from './cancellable.ts';
import { Semaphore } from './semaphore.ts';

const never = new AbortController().signal;

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

async function* silentAfter(item: number): AsyncGenerator<number, void, undefined> {
  yield item;
  await new Promise(() => undefined);
}

describe('a cancellable stream', () => {
  it('passes everything on', async () => {
    const source = (async function* () {
      yield await Promise.resolve(1);
      yield 2;
    })();
    assert.deepEqual(await collect(cancellable(source, never)), [1, 2]);
  });

  it('ends at once when it is cancelled, though its source is silent', async () => {
    const stop = new AbortController();
    const reading = collect(cancellable(silentAfter(1), stop.signal));
    stop.abort();
    await assert.rejects(reading, { code: 'cancelled' });
  });
});

describe('a semaphore', () => {
  it('lets so many run at a time, the others after them', async () => {
    const slots = new Semaphore(2);
    let running = 0;
    let most = 0;
    const task = async (): Promise<void> => {
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
    };
    await Promise.all(Array.from({ length: 7 }, () => slots.run(never, task)));
    assert.equal(most, 2);
  });

  it('does not keep who gives up waiting, nor its place', async () => {
    const slots = new Semaphore(1);
    const hold = Promise.withResolvers<undefined>();
    const stop = new AbortController();
    const first = slots.run(never, () => hold.promise);
    const second = slots.run(stop.signal, () => Promise.resolve(2));
    const third = slots.run(never, () => Promise.resolve(3));
    stop.abort();
    await assert.rejects(second, { code: 'cancelled' });
    hold.resolve(undefined);
    await first;
    assert.equal(await third, 3);
  });
});

describe('retrying', () => {
  it('stops after so many failures, at once for what will not pass', async () => {
    let tried = 0;
    const fail = (): Promise<never> => Promise.reject(new Error(String(++tried)));
    await assert.rejects(
      retry({ attempts: 3, delayMs: 1 }, never, () => true, fail),
      { message: '3' },
    );
    await assert.rejects(
      retry({ attempts: 3, delayMs: 1 }, never, () => false, fail),
      { message: '4' },
    );
  });

  it('does not wait for who gives up', async () => {
    const stop = new AbortController();
    const task = retry(
      { attempts: 3, delayMs: 60_000 },
      stop.signal,
      () => true,
      () => Promise.reject(new Error('no')),
    );
    setImmediate(() => stop.abort());
    await assert.rejects(task, { code: 'cancelled' });
  });
});
