import { isIP } from 'node:net';
import { z } from 'zod';
import { choice, hyperFields } from './fields.ts';

const error = 'must be a port from 1 to 65535';
const port = z.number({ error }).int({ error }).min(1, { error }).max(65_535, { error });
const address = z
  .string({ error: 'must be an IP address' })
  .refine((text) => isIP(text) !== 0 && !text.includes('%'), { error: 'must be an IP address' });

/** What the pod's processes reach at one address, and who answers there in turn. */
export const ServiceFields = hyperFields({
  serviceIP: address.describe('the address that its processes connect to'),
  servicePort: port,
  protocol: choice(['tcp', 'udp']).optional().describe('default tcp'),
  hosts: z
    .array(hyperFields({ hostIP: address, hostPort: port }))
    .max(64)
    .optional()
    .describe('who answers, in turn; none: connections are refused'),
});
export type ServiceFields = z.infer<typeof ServiceFields>;
