import { createReadStream } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageStore } from '../image/index.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { writeFileAtomic } from '../lib/write-file-atomic.ts';

/** Says which image is the embedded one: another one may have its name by now. */
const recordOf = (root: string): string => join(root, 'embedded-image.json');

/** Puts the `busybox` image that comes with Hyper into a fresh root, so that `hyper run busybox` needs no registry. */
export async function addEmbeddedImage(images: ImageStore, root: string, guestDir: string, log: Log): Promise<void> {
  const path = join(guestDir, 'busybox-image.tar');
  try {
    await access(path);
    const { id } = await images.addImageFromTar({
      reference: 'busybox:latest',
      tar: createReadStream(path),
      config: { command: ['sh'], env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'] },
      signal: AbortSignal.timeout(60_000),
    });
    await writeFileAtomic(recordOf(root), JSON.stringify({ id }));
    log.info({ image: 'busybox:latest' }, 'the embedded image is ready');
  } catch (error) {
    log.warn({ reason: messageOf(error) }, 'the embedded busybox image could not be added: pull one instead');
  }
}

/** The disk of the embedded image; undefined where its user has removed it. */
export async function embeddedImageDisk(images: ImageStore, root: string): Promise<string | undefined> {
  const record = await readFile(recordOf(root), 'utf8').catch(() => '');
  const image = images.list().find(({ id }) => record === JSON.stringify({ id }));
  return image === undefined ? undefined : images.disk(image).descriptorPath;
}
