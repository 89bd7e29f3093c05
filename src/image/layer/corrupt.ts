import { HyperError } from '../../lib/errors.ts';

/** An error that says that a layer's bytes make no sense. */
export function corrupt(what: string, cause?: unknown): HyperError {
  return new HyperError('corrupt', `the layer is damaged or not a layer: ${what}`, { cause });
}
