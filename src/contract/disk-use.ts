import { z } from 'zod';

export const diskUseTypes = ['images', 'pods', 'volumes', 'templates', 'caches'] as const;

/** What of a kind is on the disk, in blocks that are allocated: holes of sparse files are no part of it. */
export const DiskUse = z.object({
  type: z.enum(diskUseTypes),
  total: z.number().int(),
  active: z.number().int().describe('those that something uses'),
  sizeBytes: z.number().describe('of all: what several share is counted once'),
  reclaimableBytes: z.number().describe('what goes when all that is not active is removed'),
  items: z.array(
    z.object({
      id: z.string().describe('empty where it has none'),
      name: z.string(),
      createdAt: z.string().nullable(),
      active: z.boolean(),
      sizeBytes: z.number(),
      sharedBytes: z.number().describe('of images: what others have as well'),
      usedBy: z.array(z.string()).describe('names of pods'),
    }),
  ),
});
export type DiskUse = z.infer<typeof DiskUse>;
