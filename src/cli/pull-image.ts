import type { HyperClient } from '../client/index.ts';
import { followProgress, stderrProgress, type ImageArrived } from './progress/follow-progress.ts';

/** Pulls an image, showing its progress on stderr. */
export async function pullImage(client: HyperClient, reference: string, quiet = false): Promise<ImageArrived> {
  const arrived = await followProgress(client.imagePull(reference), stderrProgress(quiet));
  const last = arrived.at(-1);
  if (last === undefined) throw new Error('unreachable: followProgress never gives an empty list');
  return last;
}
