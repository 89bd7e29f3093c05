import { z } from 'zod';

/** What nobody used: what of it has gone, and what could not be removed. */
export const Pruned = z.object({
  removed: z.array(z.string()),
  failed: z.array(z.object({ name: z.string(), reason: z.string() })),
});
export type Pruned = z.infer<typeof Pruned>;

export const PrunedBytes = z.object({ ...Pruned.shape, freedBytes: z.number() });
export type PrunedBytes = z.infer<typeof PrunedBytes>;
