import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { HyperError, systemCode } from '../lib/errors.ts';

const tun = '/dev/net/tun';

/** @throws HyperError `unavailable` when this process cannot make taps. */
export async function requireTun(): Promise<void> {
  try {
    await access(tun, constants.R_OK | constants.W_OK);
  } catch (cause) {
    const todo =
      systemCode(cause) === 'ENOENT'
        ? `${tun} does not exist: run 'modprobe tun' as root, or give the container that hyperd is in this device`
        : `${tun} cannot be opened by this user: run 'chmod 0666 ${tun}' as root (most distributions have it so)`;
    throw new HyperError('unavailable', todo, { cause });
  }
}

/** What a failed `ip` or `nft` means for someone who wants a network. */
export function explainFailure(error: unknown): HyperError {
  if (!(error instanceof HyperError)) {
    const message = error instanceof Error ? error.message : String(error);
    return new HyperError('unavailable', `the network cannot be set up: ${message}`, { cause: error });
  }
  if (/Operation not permitted|must be root|Permission denied/.test(error.message)) {
    const todo = 'run it as root, or as an ordinary user without --root (it then makes namespaces of its own)';
    return new HyperError('unavailable', `hyperd may not set up networks here (CAP_NET_ADMIN is missing): ${todo}`, {
      cause: error,
    });
  }
  switch (error.code) {
    case 'conflict':
    case 'cancelled':
    case 'bad_request':
    case 'unavailable':
      return error;
    default:
      return new HyperError('unavailable', `the network cannot be set up: ${error.message}`, { cause: error });
  }
}
