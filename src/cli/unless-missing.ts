import { HyperError } from '../lib/errors.ts';

/** What a call answers; undefined where hyperd knows nothing of that name. */
export async function unlessMissing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof HyperError && error.code === 'not_found') return undefined;
    throw error;
  }
}
