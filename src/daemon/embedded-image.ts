import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageStore } from '../image/index.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';

/** Puts the `busybox` image that comes with Hyper into a fresh root, so that `hyper run busybox` needs no registry. */
export async function addEmbeddedImage(images: ImageStore, guestDir: string, log: Log): Promise<void> {
  const path = join(guestDir, 'busybox-image.tar');
  try {
    await access(path);
    await images.addImageFromTar({
      reference: 'busybox:latest',
      tar: createReadStream(path),
      config: { command: ['sh'], env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'] },
      signal: AbortSignal.timeout(60_000),
    });
    log.info({ image: 'busybox:latest' }, 'the embedded image is ready');
  } catch (error) {
    log.warn({ reason: messageOf(error) }, 'the embedded busybox image could not be added: pull one instead');
  }
}
