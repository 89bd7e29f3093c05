import type { HyperClient } from '../client/index.ts';
import type { PodSpec } from '../contract/index.ts';
import { HyperError } from '../lib/errors.ts';
import type { Cli } from './cli.ts';
import type { PullPolicy } from './pod-options.ts';
import { pullImage } from './pull-image.ts';

/** Creates a pod; images that are not there are pulled first, as the policy says. */
export async function createPod(
  client: HyperClient,
  spec: PodSpec,
  pull: PullPolicy,
  cli: Cli,
): Promise<{ readonly id: string }> {
  return await withImages(imagesOf(spec), pull, client, cli, () => client.podCreate(spec));
}

export function imagesOf(spec: PodSpec): string[] {
  return [...spec.containers, ...(spec.initContainers ?? [])].map(({ image }) => image);
}

/** Does what needs images; those that are not there are pulled, and it is done again. */
export async function withImages<T>(
  images: readonly string[],
  pull: PullPolicy,
  client: HyperClient,
  cli: Cli,
  act: () => Promise<T>,
): Promise<T> {
  const missing = new Set(images);
  if (pull === 'always') {
    for (const image of missing) await pullImage(client, image, cli);
    return await act();
  }
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (pull !== 'missing' || !(error instanceof HyperError) || error.code !== 'image_not_found') throw error;
      const image = [...missing].find((each) => `${error.message}: `.startsWith(`no such image: ${each}: `));
      if (image === undefined) throw error; // it was pulled, and has gone again
      missing.delete(image);
      cli.note(`Unable to find image '${image}' locally`);
      await pullImage(client, image, cli);
    }
  }
}
