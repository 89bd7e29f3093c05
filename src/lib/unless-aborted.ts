import { cancellation, throwIfCancelled } from './cancellation.ts';

/** What a promise gives, unless the signal is aborted before. @throws HyperError `cancelled` */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  promise.catch(() => undefined); // nobody else may hear of its failure once the signal was faster
  throwIfCancelled(signal);
  const cancelled = Promise.withResolvers<never>();
  const onAbort = (): void => cancelled.reject(cancellation(signal));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, cancelled.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
