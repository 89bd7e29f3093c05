import { execFile } from 'node:child_process';
import { copyFile, link, mkdir, chmod, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cached } from './cached-image.ts';
import { makeOciImage } from './oci-image.ts';

const run = promisify(execFile);

/** The root file system of a busybox image as a tar: `busybox-static` and its applets as hard links, as Docker's has them. */
export function busyboxTar(): Promise<string> {
  return cached('busybox.tar', async (path, scraps) => {
    const root = join(scraps, 'root');
    const busybox = join(root, 'bin/busybox');
    await mkdir(dirname(busybox), { recursive: true });
    await copyFile('/bin/busybox', busybox);
    await chmod(busybox, 0o755);
    const { stdout } = await run(busybox, ['--list-full']);
    for (const applet of stdout.split('\n')) {
      if (applet === '' || applet === 'bin/busybox') continue;
      await mkdir(join(root, dirname(applet)), { recursive: true });
      await link(busybox, join(root, applet));
    }
    for (const name of ['dev', 'etc', 'home', 'proc', 'root', 'sys', 'tmp', 'var']) {
      await mkdir(join(root, name), { recursive: true });
    }
    await chmod(join(root, 'tmp'), 0o1777);
    await chmod(join(root, 'root'), 0o700);
    await writeFile(
      join(root, 'etc/passwd'),
      'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n',
    );
    await writeFile(join(root, 'etc/group'), 'root:x:0:\nnobody:x:65534:\n');
    await run('tar', ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '-C', root, '-cf', path, '.']);
  });
}

/** An OCI layout with busybox as its only image, tagged `latest`: one layer, gzip. */
export function busyboxImage(): Promise<string> {
  return cached('busybox', async (path) => {
    await makeOciImage(path, {
      layers: [await busyboxTar()],
      cmd: ['sh'],
      env: ['PATH=/bin:/sbin:/usr/bin:/usr/sbin'],
    });
  });
}
