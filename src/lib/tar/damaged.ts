import { HyperError } from '../errors.ts';

/** An error that says that a tar's bytes make no sense. */
export function damaged(what: string): HyperError {
  return new HyperError('corrupt', `the tar is damaged or not a tar: ${what}`);
}
