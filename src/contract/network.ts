import { z } from 'zod';
import { textForms } from './bounds.ts';

const ipv4 = z.ipv4({ error: 'must be an IPv4 address' });
const ipv6 = z.ipv6({ error: 'must be an IPv6 address' });
const anyIp = z.union([z.ipv4(), z.ipv6()], { error: 'must be an IP address' });
const port = z.number().int().min(1).max(65535);
const labels = z.record(z.string().min(1), z.string());
export const objectName = z
  .string()
  .regex(textForms.objectName.pattern, { error: `must be ${textForms.objectName.words}` });

const hostPortLast = port.optional().describe('one of the ports from hostPort to this one, the first that is free');

export const PortSpec = z.strictObject({
  protocol: z.enum(['tcp', 'udp']).optional().describe('default tcp'),
  hostIp: anyIp.optional().describe('default: every address of the host, those of IPv6 where the pod has one'),
  hostPort: z.number().int().min(0).max(65535).optional().describe('default 0: any that is free'),
  hostPortLast,
  guestPort: port,
});
export type PortSpec = z.infer<typeof PortSpec>;

export const Port = z.object({
  protocol: z.enum(['tcp', 'udp']),
  hostIp: z.string().describe('*: every address, while the pod does not run'),
  hostPort: z.number().int().describe('0: any, while the pod does not run'),
  hostPortLast,
  guestPort: z.number().int(),
});
export type Port = z.infer<typeof Port>;

export const PortRemoval = z.strictObject({
  protocol: z.enum(['tcp', 'udp']).optional().describe('default tcp'),
  hostIp: anyIp.optional().describe('default: any'),
  hostPort: port.optional().describe('default: any'),
  hostPortLast: port.optional().describe('the end of the range that it was published with'),
  guestPort: port,
});
export type PortRemoval = z.infer<typeof PortRemoval>;

export const NetworkOfPodSpec = z.strictObject({
  network: z.string().min(1),
  aliases: z.array(objectName).optional().describe('further names in its DNS'),
  address: ipv4.optional(),
  address6: ipv6.optional().describe('on a network with IPv6'),
  mac: z.string().optional().describe('02:42:ac:11:00:02'),
});
export type NetworkOfPodSpec = z.infer<typeof NetworkOfPodSpec>;

export const NetworkConnection = z.strictObject({
  pod: z.string().min(1),
  ...NetworkOfPodSpec.omit({ network: true }).shape,
});
export type NetworkConnection = z.infer<typeof NetworkConnection>;

/** A network that a pod is on, in the order in which it was put on them. */
export const NetworkOfPod = z.object({
  network: z.string(),
  aliases: z.array(z.string()),
  address: z.string().nullable().describe('while it runs'),
  address6: z.string().nullable().describe('on a network with IPv6, while it runs'),
  mac: z.string().nullable(),
  interface: z.string().nullable().describe('eth0, as the pod sees it'),
  main: z.boolean().describe("whether its default route, DNS and published ports are this network's"),
});
export type NetworkOfPod = z.infer<typeof NetworkOfPod>;

export const DnsSpec = z.strictObject({
  servers: z.array(anyIp).optional().describe('asked for names that are not of pods'),
  search: z.array(z.string().min(1)).optional(),
  options: z.array(z.string().regex(/^\S+$/)).max(32).optional().describe('of resolv.conf: ndots:2'),
});

export const HostSpec = z.strictObject({
  name: z.string().min(1).regex(/^\S+$/),
  address: z.union([anyIp, z.literal('host-gateway')]),
});

export const EgressRule = z.strictObject({
  to: z.string().min(1).describe('10.0.0.0/8, 2001:db8::/32, an address, example.com or *.example.com'),
  ports: z.strictObject({ first: port, last: port }).optional().describe('default: all'),
  protocol: z.enum(['tcp', 'udp']).optional(),
});
export type EgressRule = z.infer<typeof EgressRule>;

const bitsPerSecond = z.number().int().min(8000).max(1e12);
export const TrafficRate = z.strictObject({
  in: bitsPerSecond.optional().describe('bits a second to the pod'),
  out: bitsPerSecond.optional().describe('bits a second from the pod'),
});
export type TrafficRate = z.infer<typeof TrafficRate>;

const networkList = z.array(z.string().min(1)).max(256);
export const WhiteLists = z.strictObject({
  internal: networkList.describe('networks that reach all ports of the pod: 10.0.0.0/8, fd00::/8'),
  external: networkList.describe('networks that reach its published ports alone'),
});
export type WhiteLists = z.infer<typeof WhiteLists>;

export const NetworkSpec = z.strictObject({
  name: objectName,
  subnet: z.string().optional().describe('10.88.0.0/24; default: the first of 192.168.124.0/24 and on that is free'),
  gateway: ipv4.optional().describe('default: the first address'),
  range: z.string().optional().describe('the part that addresses are handed out of'),
  ipv6: z
    .strictObject({
      subnet: z.string().optional().describe('fd00:1::/64; default: a random one of fd00::/8'),
      gateway: ipv6.optional().describe('default: the first address'),
      range: z.string().optional(),
    })
    .optional()
    .describe('left out: it has no IPv6'),
  mtu: z.number().int().min(68).max(65520).optional(),
  internal: z.boolean().optional().describe('its pods reach nothing but each other'),
  egress: z
    .array(EgressRule)
    .optional()
    .describe(
      'what its pods may reach beyond it, beside what bounds each of them; empty: nothing; left out: everything',
    ),
  labels: labels.optional(),
});
export type NetworkSpec = z.infer<typeof NetworkSpec>;

export const Network = z.object({
  id: z.string().describe('64 hex digits'),
  name: z.string(),
  bridge: z.string(),
  subnet: z.string(),
  gateway: z.string(),
  range: z.string().nullable(),
  ipv6: z
    .object({ subnet: z.string(), gateway: z.string(), range: z.string().nullable() })
    .nullable()
    .describe('null: it has none'),
  mtu: z.number().int().nullable().describe("null: the default route's"),
  internal: z.boolean(),
  egress: z.array(EgressRule).nullable().describe('null: not bounded'),
  labels,
  createdAt: z.string().nullable(),
  state: z.enum(['up', 'unavailable']),
  reason: z.string(),
  guests: z.array(
    z.object({
      pod: z.string().nullable().describe('null for a VM of the pool'),
      address: z.string(),
      address6: z.string().nullable(),
      mac: z.string(),
      names: z.array(z.string()),
    }),
  ),
});
export type Network = z.infer<typeof Network>;
