import { setTimeout as delay } from 'node:timers/promises';
import { ApiFailure, type HyperClient } from '../client/index.ts';
import type { Cli } from './cli.ts';

/** A restart takes a second; after the crash of a hyperd with many pods ten. */
const patienceMs = 30_000;
const askAgainMs = 200;

interface Follower {
  readonly client: HyperClient;
  readonly cli: Pick<Cli, 'note'>;
  /** Nobody waits any more. */
  readonly signal?: AbortSignal;
}

/** Asks again where hyperd goes before it has answered and comes back within half a minute. */
export async function askAgain<T>(follower: Follower, ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      await untilBack(follower, error);
    }
  }
}

/**
 * Follows what hyperd tells over its restarts.
 *
 * @param open begins where the one before broke off; what it yields comes in order
 */
export async function* followOn<T>(
  follower: Follower,
  open: () => AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  for (;;) {
    try {
      yield* open();
      return;
    } catch (error) {
      await untilBack(follower, error);
    }
  }
}

/** @throws the error where hyperd has not gone, or does not come back in time */
async function untilBack({ client, cli, signal }: Follower, error: unknown): Promise<void> {
  const hasGone = error instanceof ApiFailure && error.code === 'unavailable' && error.status === null;
  const givenUp = (): boolean => signal?.aborted ?? false;
  if (!hasGone || givenUp()) throw error;
  cli.note('hyper: hyperd has gone: waiting for it');
  for (const until = Date.now() + patienceMs; Date.now() < until && !givenUp();) {
    try {
      await client.ping();
      return;
    } catch {
      await delay(askAgainMs); // a unix socket tells nobody when it appears
    }
  }
  throw error;
}
