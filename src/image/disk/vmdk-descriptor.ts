import { HyperError } from '../../lib/errors.ts';

/** A file that is a part of a disk, whole. */
export interface Extent {
  /** As it stands in the descriptor: relative to the descriptor's folder, so that a store can be moved. */
  readonly path: string;
  /** A multiple of 4096. */
  readonly bytes: number;
}

const sectorBytes = 512;
/** QEMU reads no more of a descriptor, and no longer name. */
const descriptorLimit = 1 << 20;
const pathLimit = 511;

/**
 * The text of a VMDK descriptor with flat extents, joined in order. QEMU skips extents that are not `RW`, and reads the first one
 * twice when a blank line stands before it (`block/vmdk.c`, 7.2).
 */
export function vmdkDescriptor(extents: readonly Extent[]): string {
  const text = [
    '# Disk DescriptorFile',
    'version=1',
    'CID=fffffffe',
    'parentCID=ffffffff',
    'createType="twoGbMaxExtentFlat"',
    '# Extent description',
    ...extents.map(extentLine),
    '# The Disk Data Base',
    'ddb.adapterType = "lsilogic"',
    '',
  ].join('\n');
  if (Buffer.byteLength(text) > descriptorLimit) {
    throw new HyperError('unsupported', `the image has too many layers: ${extents.length}: squash some of them`);
  }
  return text;
}

function extentLine({ path, bytes }: Extent): string {
  if (/["\r\n]/.test(path) || Buffer.byteLength(path) > pathLimit) {
    throw new HyperError(
      'unsupported',
      `the path ${JSON.stringify(path)} cannot be part of a disk: use a shorter, plain one`,
    );
  }
  return `RW ${bytes / sectorBytes} FLAT "${path}" 0`;
}
