import type { HyperClient } from '../client/index.ts';
import type { Cli } from './cli.ts';
import { ownCredentials } from './own-credentials.ts';
import { followProgress, stderrProgress, type ImageArrived } from './progress/follow-progress.ts';

/** Pulls an image with the caller's own login, showing its progress on stderr. */
export async function pullImage(
  client: HyperClient,
  reference: string,
  cli: Cli,
  quiet = false,
): Promise<ImageArrived> {
  const credentials = await ownCredentials(reference, cli);
  const arrived = await followProgress(client.imagePull(reference, { credentials }), stderrProgress(quiet));
  const last = arrived.at(-1);
  if (last === undefined) throw new Error('unreachable: followProgress never gives an empty list');
  return last;
}
