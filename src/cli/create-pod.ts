import type { HyperClient } from '../client/index.ts';
import type { PodSpec } from '../contract/index.ts';
import { HyperError } from '../lib/errors.ts';
import type { Cli } from './cli.ts';
import type { PullPolicy } from './pod-options.ts';
import { pullImage } from './pull-image.ts';

/** Creates a pod; images of its containers that are not there are pulled first, as the policy says. */
export async function createPod(
  client: HyperClient,
  spec: PodSpec,
  pull: PullPolicy,
  cli: Cli,
): Promise<{ readonly id: string }> {
  const images = [...new Set(spec.containers.map(({ image }) => image))];
  if (pull === 'always') for (const image of images) await pullImage(client, image, cli);
  // hyperd takes an image that the machine's Docker has: only it knows which of them must be pulled.
  const missing = [...images];
  for (;;) {
    try {
      return await client.podCreate(spec);
    } catch (error) {
      if (pull !== 'missing' || !(error instanceof HyperError) || error.code !== 'image_not_found') throw error;
      const image = await takeMissing(client, missing);
      if (image === undefined) throw error;
      cli.note(`Unable to find image '${image}' locally`);
      await pullImage(client, image, cli);
    }
  }
}

/** The first image that hyperd does not have, which is the one that it missed; each is given once. */
async function takeMissing(client: HyperClient, images: string[]): Promise<string | undefined> {
  while (images.length > 1) {
    const [image = ''] = images;
    if (!(await hasImage(client, image))) break;
    images.shift();
  }
  return images.shift();
}

async function hasImage(client: HyperClient, image: string): Promise<boolean> {
  try {
    await client.imageInspect(image);
    return true;
  } catch (error) {
    if (error instanceof HyperError && (error.code === 'not_found' || error.code === 'image_not_found')) return false;
    throw error;
  }
}
