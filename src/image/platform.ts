import { HyperError } from '../lib/errors.ts';
import type { ImageIndex, PlatformDescriptor } from './manifest.ts';

/** What our VMs can run. */
export const platform = { os: 'linux', architecture: 'amd64' } as const;

const wanted = `${platform.os}/${platform.architecture}`;
// The plain entry first, then the micro-architecture levels from the one that every CPU has.
const preference = [wanted, `${wanted}/v1`, `${wanted}/v2`, `${wanted}/v3`, `${wanted}/v4`];

/**
 * The entry of an index to run here.
 *
 * @throws HyperError `unsupported`, listing what there is
 */
export function choosePlatform(index: ImageIndex, what: string): PlatformDescriptor {
  for (const name of preference) {
    const found = index.manifests.find((entry) => entry.platform === name);
    if (found !== undefined) return found;
  }
  const [first] = index.manifests;
  if (first !== undefined && index.manifests.length === 1 && first.platform === undefined) return first;
  // Build tools add entries for "unknown/unknown" that hold attestations.
  const names = index.manifests
    .map((entry) => entry.platform ?? 'unnamed')
    .filter((name) => !name.startsWith('unknown'));
  const there = names.length === 0 ? 'nothing' : [...new Set(names)].join(', ');
  throw new HyperError('unsupported', `${what} is not there for ${wanted}: there is ${there}`);
}

/** @throws HyperError `unsupported` for an image that our VMs cannot run */
export function checkPlatform(image: { readonly os: string; readonly architecture: string }, what: string): void {
  if (image.os === platform.os && image.architecture === platform.architecture) return;
  throw new HyperError('unsupported', `${what} is for ${image.os}/${image.architecture}: this machine runs ${wanted}`);
}
