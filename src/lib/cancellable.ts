import { cancellation, throwIfCancelled } from './cancellation.ts';

/**
 * A stream whose reader need not wait for it: when the signal is aborted the loop over it ends, even while the source is
 * silent.
 *
 * @throws HyperError `cancelled`; what the source throws
 */
export async function* cancellable<T>(
  source: AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  throwIfCancelled(signal);
  const iterator = source[Symbol.asyncIterator]();
  const cancelled = Promise.withResolvers<never>();
  // Heard in the loop; between two rounds nobody listens.
  cancelled.promise.catch(() => undefined);
  const onAbort = (): void => cancelled.reject(cancellation(signal));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), cancelled.promise]);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    // A generator in the middle of a silent wait would answer only after that: it is told, but not waited for.
    const returned = Promise.resolve(iterator.return?.()).catch(() => undefined);
    if (!signal.aborted) await returned;
  }
}
