import { z } from 'zod';
import { absolutePath, choice, hyperFields, refused, text } from './fields.ts';
import { objectName } from '../../contract/index.ts';

const disksByPath = 'a disk image by its path cannot be attached yet: leave out source for a fresh disk of its own';

/** What kind of volume it is; 0.2.1 calls it `driver`. */
const format = choice(['vfs', 'raw', 'qcow2', 'volume'], {
  vdi: 'disk images of VirtualBox cannot be read: convert it to raw',
  rbd: 'Ceph block devices cannot be attached: map it on the host, and mount its folder with vfs',
  nas: 'a file system of the network cannot be mounted in the guest yet: mount it on the host, and use vfs',
});

const source = text.describe(
  'of vfs: a folder, file or socket of the machine that hyperd runs on; of volume: the name of one; left out: a fresh one',
);

const shape = {
  source: source.optional(),
  format: format
    .optional()
    .describe(
      'vfs: of the host; volume: one that outlives the pod; raw, qcow2: a fresh disk; left out: a fresh folder',
    ),
  driver: format.optional().describe("format, as 0.2.1's files call it"),
  size: z
    .string()
    .regex(/^\d+(\.\d+)?[mgt]$/i, { error: 'must be a number with a unit, as 512m or 2g' })
    .optional()
    .describe('of a fresh disk: 32m to 16t; default 10g'),
  fstype: choice(['ext4'], { xfs: 'fresh disks are made with ext4', btrfs: 'fresh disks are made with ext4' })
    .optional()
    .describe('of a fresh disk'),
  cache: choice(['writeback'], {
    off: 'disks are cached as writeback',
    none: 'disks are cached as writeback',
    directsync: 'disks are cached as writeback',
    unsafe: 'disks are cached as writeback',
    writethrough: 'disks are cached as writeback',
  })
    .optional()
    .describe('of a disk'),
  option: refused('it is for Ceph block devices, which cannot be attached'),
};

/** One of the pod's volumes. */
export const VolumeFields = hyperFields({
  name: objectName.describe('what containers call it by'),
  ...shape,
});
export type VolumeFields = z.infer<typeof VolumeFields>;

const InlineVolume = hyperFields({ name: objectName.optional(), ...shape });

/** Where a container has a volume. */
export const VolumeMountFields = hyperFields({
  path: absolutePath.describe('where the container sees it'),
  volume: text.optional().describe("the name of one of the pod's volumes"),
  readOnly: z.boolean().optional().describe('default false'),
  detail: InlineVolume.optional().describe('a volume that only this container has, in place of one of the list'),
});
export type VolumeMountFields = z.infer<typeof VolumeMountFields>;

export { disksByPath };
