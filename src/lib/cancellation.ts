import { HyperError } from './errors.ts';

/** The error for work that its caller gave up: the caller's own reason if that is one of ours. */
export function cancellation(signal: AbortSignal): HyperError {
  const reason: unknown = signal.reason;
  return reason instanceof HyperError ? reason : new HyperError('cancelled', 'cancelled', { cause: reason });
}

/** @throws HyperError `cancelled` when the signal has been aborted */
export function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw cancellation(signal);
}
