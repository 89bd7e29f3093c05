import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { cached } from './cached-image.ts';
import { makeOciImage } from './oci-image.ts';

const run = promisify(execFile);

/** Debian 12, minimal, as a tar of 170 MB. The first time takes a minute, root and Debian's mirror. */
export function debianTar(): Promise<string> {
  return cached('bookworm.tar', async (path) => {
    await run('mmdebstrap', ['--variant=minbase', '--quiet', '--format=tar', 'bookworm', path]);
  });
}

/** An OCI layout with Debian 12 as its only image, tagged `latest`: one layer, gzip. */
export function debianImage(): Promise<string> {
  return cached('debian', async (path) => {
    await makeOciImage(path, {
      layers: [await debianTar()],
      cmd: ['bash'],
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
    });
  });
}
