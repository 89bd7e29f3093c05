import type { Credentials } from '../contract/index.ts';
import { messageOf } from '../lib/errors.ts';
import { findCredentials } from '../lib/find-credentials.ts';
import { parseReference } from '../lib/image-reference.ts';
import type { Cli } from './cli.ts';
import { warn } from './warn.ts';

/**
 * The caller's own login for an image's registry: hyperd may run as someone else, and cannot read it.
 *
 * @returns undefined when there is none; also when it cannot be read, which is said: most images need no login
 * @throws HyperError `bad_request` for a bad reference
 */
export async function ownCredentials(image: string, cli: Cli): Promise<Credentials | undefined> {
  const { registry } = parseReference(image);
  try {
    return await findCredentials(registry, { environment: cli.env }, new AbortController().signal);
  } catch (error) {
    warn(`no login is sent to ${registry}: ${messageOf(error)}`);
    return undefined;
  }
}
