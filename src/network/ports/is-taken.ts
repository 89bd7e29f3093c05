import { HyperError } from '../../lib/errors.ts';

/** Whether a port could not be had, where another may. */
export function isTaken(error: unknown): boolean {
  return error instanceof HyperError && error.code === 'conflict';
}
