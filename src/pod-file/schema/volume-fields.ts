import { z } from 'zod';
import { absolutePath, choice, hyperFields, refused, text } from './fields.ts';
import { objectName } from '../../contract/index.ts';

/** What kind of volume it is; 0.2.1 calls it `driver`. */
const format = choice(['vfs', 'raw', 'qcow2', 'nas', 'volume'], {
  vdi: 'disk images of VirtualBox cannot be read: convert it to raw',
  rbd: 'Ceph block devices cannot be attached: map it on the host, and mount its folder with vfs',
});

const source = text.describe(
  'of vfs: a folder, file or socket of the machine that hyperd runs on; of raw and qcow2: a disk image there; of nas: HOST:/path; of volume: the name of one; left out: a fresh one',
);

const shape = {
  source: source.optional(),
  format: format
    .optional()
    .describe(
      'vfs: of the host; raw, qcow2: a disk of the host, or a fresh one; nas: NFS, mounted in the guest; volume: one that outlives the pod; left out: a fresh folder',
    ),
  driver: format.optional().describe("format, as 0.2.1's files call it"),
  size: z
    .string()
    .regex(/^\d+(\.\d+)?[mgtMGT]$/, { error: 'must be a number with a unit, as 512m or 2g' })
    .optional()
    .describe('of a fresh disk: 32m to 16t; default 10g'),
  fstype: text.optional().describe('of a disk: ext4, xfs, vfat, …; a fresh one has ext4, of others it is found out'),
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
