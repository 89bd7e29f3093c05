import type { HyperClient } from '../client/index.ts';
import type { PodSpec } from '../contract/index.ts';
import { HyperError } from '../lib/errors.ts';
import type { Cli } from './cli.ts';
import type { PullPolicy } from './pod-options.ts';
import { pullImage } from './pull-image.ts';

/** Creates a pod; an image that is not there is pulled first, as the policy says. */
export async function createPod(
  client: HyperClient,
  spec: PodSpec,
  pull: PullPolicy,
  cli: Cli,
): Promise<{ readonly id: string }> {
  const image = spec.containers[0]?.image ?? '';
  if (pull === 'always') await pullImage(client, image, cli);
  try {
    return await client.podCreate(spec);
  } catch (error) {
    if (pull !== 'missing' || !(error instanceof HyperError) || error.code !== 'image_not_found') throw error;
  }
  cli.note(`Unable to find image '${image}' locally`);
  await pullImage(client, image, cli);
  return client.podCreate(spec);
}
