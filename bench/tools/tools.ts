import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeOciImage } from '../../test/images/index.ts';
import { runTimed } from '../run-timed.ts';
import { makeToolsTree } from './tools-tree.ts';

/** The same files twice: an image for Hyper, a plain disk for a guest without it. */
export interface Tools {
  /** Its reference in the registry. */
  readonly image: string;
  /** An ext4. */
  readonly disk: string;
}

const diskMiB = 512;

export async function makeTools(folder: string, registry: string): Promise<Tools> {
  await mkdir(folder, { mode: 0o711 });
  const path = (name: string): string => join(folder, name);
  await makeToolsTree(path('tree'));
  const pack = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '-C', path('tree'), '-cf', path('tar')];
  await runTimed('tar', [...pack, '.']);
  await makeOciImage(path('layout'), { layers: [path('tar')], cmd: ['sh'], env: ['PATH=/bin:/usr/bin', 'HOME=/root'] });
  const image = `${registry}/tools:latest`;
  const copy = ['--insecure-policy', 'copy', '-q', '--dest-tls-verify=false', `oci:${path('layout')}:latest`];
  await runTimed('skopeo', [...copy, `docker://${image}`]);
  const disk = path('tools.ext4');
  await runTimed('mke2fs', ['-q', '-t', 'ext4', '-d', path('tree'), disk, `${diskMiB}M`]);
  for (const name of ['tree', 'tar', 'layout']) await rm(path(name), { recursive: true });
  return { image, disk };
}
