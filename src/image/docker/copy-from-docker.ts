import { throwIfCancelled } from '../../lib/cancellation.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { Image } from '../image.ts';
import { platform } from '../platform.ts';
import type { Reference } from '../../lib/image-reference.ts';
import { familiarName, formatReference } from '../../lib/image-reference.ts';
import type { PulledImage, TransferOptions } from '../transfer.ts';
import { DockerClient, dockerSocket } from './docker-client.ts';

/** Where the copy goes: what the image store can do. */
export interface CopyTarget {
  find(reference: string): Image | undefined;
  load(archive: AsyncIterable<Uint8Array>, options: TransferOptions): Promise<readonly PulledImage[]>;
  tag(source: string, target: string): Promise<Image>;
}

export interface CopyFromDockerOptions extends TransferOptions {
  readonly store: CopyTarget;
  readonly reference: Reference;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
}

async function copy(docker: DockerClient, options: CopyFromDockerOptions): Promise<Image | undefined> {
  const { store, reference, signal, onProgress } = options;
  const name = familiarName(reference);
  const found = await docker.inspect(name, signal);
  if (found?.os !== platform.os || found.architecture !== platform.architecture) return undefined;
  onProgress?.({ type: 'status', message: `Copying ${name} from Docker` });
  const there = store.find(found.id);
  const image = there ?? (await store.load(docker.export(name, signal), options))[0]?.image;
  // An archive does not carry the digests that an image was pulled by.
  if (image === undefined || reference.digest !== undefined) return image;
  return store.tag(image.id, formatReference(reference));
}

/**
 * Copies an image from the Docker of this machine, when that has it.
 *
 * @returns undefined without Docker, without the right to ask it, without such an image there, or when the copy fails (logged)
 * @throws HyperError `cancelled`
 */
export async function copyFromDocker(options: CopyFromDockerOptions): Promise<Image | undefined> {
  const { reference, environment, signal, log } = options;
  const socket = dockerSocket(environment);
  if (socket === undefined) return undefined;
  try {
    await using docker = new DockerClient(socket);
    return await copy(docker, options);
  } catch (error) {
    throwIfCancelled(signal);
    log.info({ image: familiarName(reference), socket, error: messageOf(error) }, 'not copied from Docker');
    return undefined;
  }
}
