import { z } from 'zod';
import { EgressOfPod } from './pod-record.ts';

/** A network that a user made. */
export const NetworkRecord = z.object({
  id: z.string(),
  name: z.string(),
  bridge: z.string(),
  subnet: z.string(),
  gateway: z.string(),
  range: z.string().optional(),
  ipv6: z.object({ subnet: z.string(), gateway: z.string(), range: z.string().optional() }).optional(),
  mtu: z.number().optional(),
  internal: z.boolean(),
  egress: z.array(EgressOfPod).optional(),
  labels: z.record(z.string(), z.string()),
  createdAt: z.string(),
});
export type NetworkRecord = z.infer<typeof NetworkRecord>;
