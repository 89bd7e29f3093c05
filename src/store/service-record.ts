import { z } from 'zod';

/** What processes of a pod reach at one address and port, and who answers there in turn. */
export const ServiceOfPod = z.object({
  address: z.string(),
  port: z.number(),
  protocol: z.enum(['tcp', 'udp']),
  hosts: z.array(z.object({ address: z.string(), port: z.number() })),
});
export type ServiceOfPod = z.infer<typeof ServiceOfPod>;
