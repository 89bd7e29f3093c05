import { z } from 'zod';
import { choice, hyperFields, refused } from './fields.ts';

const error = 'must be a port from 1 to 65535, or a range of them, as "8000-8010"';
const portRange = z.string().regex(/^\d{1,5}(-\d{1,5})?$/, { error });
const port = z.number().int({ error }).min(1, { error }).max(65_535, { error });

const ports = z.union([port, portRange], { error });
/** The first Hyper's programs wrote 0 for one that was left out. */
const hostPorts = z.union([port, portRange, z.literal(0)], { error });

const hostPort = hostPorts
  .optional()
  .describe(
    'the port of the host, or a range as long, or for one port a range of which the first free one is taken; default: the same',
  );

/** Ports of the host that lead to the pod. */
export const PortMapping = hyperFields({
  containerPort: ports.describe('the port in the pod, or a range'),
  hostPort: hostPort,
  protocol: choice(['tcp', 'udp']).optional().describe('default tcp'),
});
export type PortMapping = z.infer<typeof PortMapping>;

/** The same at a container, as 0.2.1 had it. */
export const PortOfContainer = hyperFields({
  containerPort: ports.describe('the port in the pod, or a range'),
  hostPort: hostPort,
  servicePort: refused('it never had an effect: name a service in services, with its hosts'),
  protocol: choice(['tcp', 'udp']).optional().describe('default tcp'),
});
