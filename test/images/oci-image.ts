import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface OciImageOptions {
  /** Tars, bottom to top, uncompressed. */
  readonly layers: readonly string[];
  readonly cmd?: readonly string[];
  readonly env?: readonly string[];
}

/** Makes an OCI layout at `layout` (which must not exist) with one image, tagged `latest`, with umoci. */
export async function makeOciImage(layout: string, { layers, cmd = [], env = [] }: OciImageOptions): Promise<void> {
  const image = `${layout}:latest`;
  await run('umoci', ['init', '--layout', layout]);
  await run('umoci', ['new', '--image', image]);
  for (const layer of layers) await run('umoci', ['raw', 'add-layer', '--image', image, layer]);
  const settings = [...cmd.map((word) => `--config.cmd=${word}`), ...env.map((pair) => `--config.env=${pair}`)];
  if (settings.length > 0) await run('umoci', ['config', '--image', image, ...settings]);
  await run('umoci', ['gc', '--layout', layout]);
}

/** What `umoci unpack` makes of the image: the folder of its root file system. */
export async function unpackWithUmoci(layout: string, bundle: string): Promise<string> {
  await run('umoci', ['unpack', '--image', `${layout}:latest`, bundle]);
  return `${bundle}/rootfs`;
}
