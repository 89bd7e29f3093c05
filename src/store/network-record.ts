import { z } from 'zod';

/** A network that a user made. */
export const NetworkRecord = z.object({
  id: z.string(),
  name: z.string(),
  bridge: z.string(),
  subnet: z.string(),
  gateway: z.string(),
  range: z.string().optional(),
  mtu: z.number().optional(),
  internal: z.boolean(),
  labels: z.record(z.string(), z.string()),
  createdAt: z.string(),
});
export type NetworkRecord = z.infer<typeof NetworkRecord>;
