import { HyperError } from '../lib/errors.ts';

/** How much of a file's beginning is enough to judge it (QEMU docs, interop/qcow2: Header). */
export const qcow2HeaderBytes = 104;

/** "QFI" and 0xfb. */
const magic = 0x514649fb;
const leastBytes = { 2: 72, 3: qcow2HeaderBytes } as const;

/** Incompatible features of version 3. What is not named here may mean anything. */
const dirty = 1n << 0n;
const corrupt = 1n << 1n;
const externalData = 1n << 2n;
const compressionType = 1n << 3n;
const extendedEntries = 1n << 4n;
const known = dirty | corrupt | externalData | compressionType | extendedEntries;

/**
 * Refuses an image that would have QEMU open other files of this host, or that it cannot use. An image's header is its
 * maker's, and a guest can write all of a raw one: what is not known to be harmless is refused.
 *
 * @param header the first bytes of the file, as many as there are up to `qcow2HeaderBytes`
 * @throws HyperError `bad_request`, `unsupported`
 */
export function checkQcow2(path: string, header: Buffer): void {
  if (header.length < 8 || header.readUInt32BE(0) !== magic) {
    throw new HyperError('bad_request', `${path} is not qcow2: give format=raw if it is a raw disk`);
  }
  const version = header.readUInt32BE(4);
  if (version !== 2 && version !== 3) throw refused(path, `is qcow2 of version ${version}: there are 2 and 3`);
  if (header.length < leastBytes[version]) throw new HyperError('bad_request', `${path} is cut off in its header`);
  if (header.readBigUInt64BE(8) !== 0n || header.readUInt32BE(16) !== 0) {
    throw refused(path, `has a backing file: make it whole with 'qemu-img convert -O qcow2'`);
  }
  if (header.readUInt32BE(32) !== 0) {
    throw refused(path, `is encrypted: make it plain with 'qemu-img convert', or encrypt in the guest`);
  }
  if (version === 3) checkFeatures(path, header.readBigUInt64BE(72));
}

function checkFeatures(path: string, features: bigint): void {
  if ((features & externalData) !== 0n) {
    throw refused(path, `keeps its data in another file: make it whole with 'qemu-img convert -O qcow2'`);
  }
  if ((features & corrupt) !== 0n) {
    throw refused(path, `is marked as corrupt: repair it with 'qemu-img check -r all'`);
  }
  if ((features & ~known) !== 0n) throw refused(path, `uses features of qcow2 that are not known here`);
}

const refused = (path: string, why: string): HyperError => new HyperError('unsupported', `${path} ${why}`);
