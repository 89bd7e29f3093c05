import { HyperError } from '../lib/errors.ts';
import { nfsOfVolume } from './nfs-source.ts';

/** What is behind a volume, as its driver options say: a folder, an NFS server's, or a disk of a size that holds. */
export type VolumeKind =
  { readonly kind: 'folder' | 'nfs'; readonly sizeMiB: null } | { readonly kind: 'disk'; readonly sizeMiB: number };

const units: Readonly<Record<string, number>> = { '': 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };
const mebibyte = 2 ** 20;
/** Less is no file system with a journal, more is more than ext4 takes here. */
const sizesMiB = { least: 32, most: 16 * 2 ** 20 };

/**
 * @param options `type=disk` with `size=512m`, or `type=nfs` with docker's `o` and `device`; no other of those, which tell its
 * kernel what to mount.
 * @throws HyperError `bad_request`, `unsupported`
 */
export function volumeKind(driver: string, options: Readonly<Record<string, string>>): VolumeKind {
  if (driver !== 'local') {
    throw new HyperError(
      'unsupported',
      `no volume driver '${driver}': there is only local, with --opt type=disk for a disk, and type=nfs for NFS`,
    );
  }
  if (options['type'] === 'nfs' || options['type'] === 'nfs4') {
    nfsOfVolume(options);
    return { kind: 'nfs', sizeMiB: null };
  }
  const { type, size, ...others } = options;
  const [other] = Object.keys(others);
  if (other !== undefined || (type !== undefined && type !== 'disk')) {
    const what = other === undefined ? `type=${type ?? ''}` : other;
    throw new HyperError(
      'unsupported',
      `volumes have no option ${what}: there are type=disk with size=1g, and type=nfs with o and device`,
    );
  }
  if (type === undefined) {
    if (size === undefined) return { kind: 'folder', sizeMiB: null };
    throw new HyperError('bad_request', 'size is for disks, which are as large as it says: give --opt type=disk too');
  }
  if (size === undefined) throw new HyperError('bad_request', 'a disk needs a size: give --opt size=1g');
  const match = /^(\d+(?:\.\d+)?)([bkmgt]?)(?:i?b)?$/i.exec(size);
  const sizeMiB = Math.ceil((Number(match?.[1]) * (units[match?.[2]?.toLowerCase() ?? ''] ?? NaN)) / mebibyte);
  if (!(sizeMiB >= sizesMiB.least && sizeMiB <= sizesMiB.most)) {
    throw new HyperError('bad_request', `size is '${size}': give 32m to 16t`);
  }
  return { kind: 'disk', sizeMiB };
}
