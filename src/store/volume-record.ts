import { z } from 'zod';

const texts = z.record(z.string(), z.string());

/** A volume as it is stored; what is in it is a folder below the root folder, or a disk. */
export const VolumeRecord = z.object({
  name: z.string(),
  kind: z.enum(['folder', 'disk']),
  /** Of a disk. */
  sizeMiB: z.number().nullable(),
  /** Its name was made up. */
  anonymous: z.boolean(),
  labels: texts,
  /** As they were given. */
  options: texts,
  createdAt: z.string(),
  /** A guest is filling it, or was when hyperd died. */
  seeding: z.boolean(),
  /** It has been mounted, and is what its users made of it: never filled again. */
  seeded: z.boolean().default(false),
});
export type VolumeRecord = z.infer<typeof VolumeRecord>;
