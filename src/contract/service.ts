import { z } from 'zod';

const anyIp = z.union([z.ipv4(), z.ipv6()], { error: 'must be an IP address' });
const port = z.number().int().min(1).max(65535);
const protocol = z.enum(['tcp', 'udp']);

export const ServiceHost = z.strictObject({ address: anyIp, port });
export type ServiceHost = z.infer<typeof ServiceHost>;

/** Which of a pod's services. */
export const ServiceRemoval = z.strictObject({
  address: anyIp.describe('what the pod calls it by'),
  port,
  protocol: protocol.optional().describe('default tcp'),
});
export type ServiceRemoval = z.infer<typeof ServiceRemoval>;

export const ServiceSpec = z.strictObject({
  ...ServiceRemoval.shape,
  hosts: z.array(ServiceHost).max(64).describe('its connections go to them in turn; none: they are refused'),
});
export type ServiceSpec = z.infer<typeof ServiceSpec>;

export const ServiceSpecs = z.array(ServiceSpec).max(64);

export const Service = z.object({ ...ServiceSpec.shape, protocol });
export type Service = z.infer<typeof Service>;
