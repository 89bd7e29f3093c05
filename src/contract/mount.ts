import { z } from 'zod';

const target = z.string().startsWith('/', { error: 'must be an absolute path' });
const texts = z.record(z.string().min(1), z.string());
const hostPath = z.string().startsWith('/', { error: 'must be an absolute path' });

/** What a container is to have at a path of its own. */
export const MountSpec = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('bind'),
    source: hostPath.describe('a folder, file or unix socket of the machine that hyperd runs on'),
    target,
    readOnly: z.boolean().optional(),
    create: z.boolean().optional().describe('make a folder where the source is missing, as -v does'),
  }),
  z.strictObject({
    type: z.literal('volume'),
    source: z.string().optional().describe("the volume's name, made where there is none; left out: an anonymous one"),
    target,
    readOnly: z.boolean().optional(),
    ofPod: z
      .boolean()
      .optional()
      .describe("a volume of the pod's own, by this name shared by its containers, which goes with the pod"),
    noCopy: z.boolean().optional().describe('leave a fresh one empty: without what the image has there'),
    labels: texts.optional().describe('of a volume that is made'),
    options: texts.optional().describe('of a volume that is made'),
  }),
  z.strictObject({
    type: z.literal('disk'),
    source: hostPath.describe('a file of the machine that hyperd runs on, a disk with a file system'),
    target,
    readOnly: z.boolean().optional().describe('several pods may have it then at a time'),
    format: z.enum(['raw', 'qcow2']).optional().describe("left out: as the source's name ends: .qcow2, .raw, .img"),
    fstype: z.string().optional().describe('ext4, xfs, vfat, …; left out: what is found on it'),
    partition: z.number().int().min(1).max(128).optional().describe('left out: the file system is on the whole disk'),
  }),
  z.strictObject({
    type: z.literal('nfs'),
    source: z.string().describe('HOST:/path, as the pod reaches it'),
    target,
    readOnly: z.boolean().optional(),
    options: z.string().optional().describe('of nfs(5), parted by commas'),
  }),
]);
export type MountSpec = z.infer<typeof MountSpec>;

export const Mount = z.object({
  type: z.enum(['bind', 'volume', 'disk', 'nfs']),
  name: z.string().nullable().describe("the volume's"),
  source: z.string().describe('on the machine that hyperd runs on; of NFS HOST:/path'),
  target: z.string(),
  readOnly: z.boolean(),
});
export type Mount = z.infer<typeof Mount>;
