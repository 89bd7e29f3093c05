import type { HyperClient } from '../client/index.ts';
import type { PodSpec } from '../contract/index.ts';
import { HyperError } from '../lib/errors.ts';
import type { PullPolicy } from './pod-options.ts';
import { pullImage } from './pull-image.ts';

/** Creates a pod; an image that is not there is pulled first, as the policy says. */
export async function createPod(
  client: HyperClient,
  spec: PodSpec,
  pull: PullPolicy,
): Promise<{ readonly id: string }> {
  const image = spec.containers[0]?.image ?? '';
  if (pull === 'always') await pullImage(client, image);
  try {
    return await client.podCreate(spec);
  } catch (error) {
    if (pull !== 'missing' || !(error instanceof HyperError) || error.code !== 'not_found') throw error;
  }
  process.stderr.write(`Unable to find image '${image}' locally\n`);
  await pullImage(client, image);
  return client.podCreate(spec);
}
