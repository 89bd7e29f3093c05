import { z } from 'zod';

const texts = z.record(z.string().min(1), z.string());

export const VolumeSpec = z.strictObject({
  name: z.string().optional().describe('left out or empty: one is made up, and the volume is anonymous'),
  driver: z.string().optional().describe('only local'),
  labels: texts.optional(),
  options: texts
    .optional()
    .describe('type=disk with size=1g: a disk, for one running pod at a time; type=nfs with o and device: docker’s'),
});
export type VolumeSpec = z.infer<typeof VolumeSpec>;

export const Volume = z.object({
  name: z.string(),
  driver: z.literal('local'),
  kind: z.enum(['folder', 'disk', 'nfs']),
  mountpoint: z
    .string()
    .describe("the folder, or the disk's file, on the machine that hyperd runs on; of NFS HOST:/path"),
  sizeBytes: z.number().nullable().describe("a disk's"),
  anonymous: z.boolean(),
  labels: texts,
  options: texts,
  createdAt: z.string(),
  pods: z.array(z.string()).describe('the names of those that use it, running or not'),
});
export type Volume = z.infer<typeof Volume>;

export const VolumePruneRequest = z.strictObject({
  all: z.boolean().optional().describe('named ones too'),
  labels: z.array(z.string().min(1)).optional().describe('only those with all of these: NAME or NAME=VALUE'),
});
export type VolumePruneRequest = z.infer<typeof VolumePruneRequest>;
