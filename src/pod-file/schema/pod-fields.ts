import { isIPv4 } from 'node:net';
import { z } from 'zod';
import { DnsSpec, NetworkOfPodSpec, PodSpec } from '../../contract/index.ts';
import { ContainerFields, InitContainerFields } from './container-fields.ts';
import { alsoMark, choice, hostname, hyperFields, refused, text, texts } from './fields.ts';
import { FileFields } from './file-fields.ts';
import { PortMapping } from './port-fields.ts';
import { ServiceFields } from './service-fields.ts';
import { VolumeFields } from './volume-fields.ts';

const { shape: spec } = PodSpec;

const Resource = hyperFields({
  vcpu: spec.vcpus.describe("the VM's virtual CPUs; default 1"),
  memory: spec.memoryMiB.describe("the VM's memory in MB; default 128"),
  storage: spec.storageMiB.describe('of what its containers write, in MB; default 10240'),
});

const Log = hyperFields({
  type: choice(['json-file'], { none: 'hyperd keeps all output' }).optional().describe("as 'hyper logs' reads it"),
  config: refused('logs are kept whole until the pod is removed'),
});

/** `10.0.0.5`, or `10.0.0.5/24` as the first Hyper wrote it. */
function isAddress(text: string): boolean {
  const [, address = '', prefix = '0'] = /^([\d.]+)(?:\/(\d{1,2}))?$/.exec(text) ?? [];
  return isIPv4(address) && Number(prefix) <= 32;
}

const Interface = hyperFields({
  id: text.optional().describe('a name for it in this file'),
  network: text.optional().describe("a network of 'hyper network ls'; default: the default network"),
  bridge: choice(['hyper0'])
    .optional()
    .describe("the default network, as the first Hyper's files call it; for others see network"),
  ip: z
    .string()
    .refine(isAddress, { error: 'must be an IPv4 address' })
    .optional()
    .describe("its address; a /24 behind it is read over, for it is the network's; default: the next that is free"),
  mac: NetworkOfPodSpec.shape.mac.describe('default: made up'),
  ifname: refused('interfaces are eth0, eth1 and so on, in their order'),
  mtu: refused("it is its network's: see 'hyper network create --mtu'"),
  gateway: refused("it is its network's: see 'hyper network create --gateway'"),
});
export type Interface = z.infer<typeof Interface>;

const network = z.string();
const WhiteListFields = hyperFields({
  internalNetworks: z.array(network).max(256).optional().describe('networks that reach all its ports: 10.0.0.0/8'),
  externalNetworks: z.array(network).max(256).optional().describe('networks that reach its portmappings alone'),
}).meta({
  [alsoMark]: [
    {
      anyOf: ['internalNetworks', 'internalnetworks', 'externalNetworks', 'externalnetworks'].map((key) => ({
        ...{ type: 'object', required: [key] },
        properties: { [key]: { type: 'array', minItems: 1 } },
      })),
    },
  ],
});

/** A pod file, with every key that one of the first Hyper's could have. */
export const PodFields = hyperFields({
  $schema: text.optional().describe('for editors; means nothing'),
  id: spec.name.describe("the pod's name; default: the image's and ten digits"),
  hostname: hostname.optional().describe('default: the name'),
  type: choice(['pod']).optional().describe('as in old files; means nothing'),
  restartPolicy: spec.restartPolicy,
  maxRestarts: spec.maxRestarts,
  tty: z.boolean().optional().describe('a terminal for all containers; default false'),
  labels: texts.optional(),
  resource: Resource.optional().describe('what the VM has'),
  log: Log.optional(),
  dns: DnsSpec.shape.servers.describe('servers that are asked for names that are not of pods'),
  dnsSearch: DnsSpec.shape.search.describe('domains that short names are looked for in'),
  dnsOptions: DnsSpec.shape.options,
  containers: z.array(ContainerFields).min(1).max(32).describe('what runs in it'),
  initContainers: z
    .array(InitContainerFields)
    .max(32)
    .optional()
    .describe('run one after the other, each to its success, before the containers start'),
  files: z.array(FileFields).max(1024).optional().describe('files that containers are given'),
  volumes: z.array(VolumeFields).max(256).optional().describe('volumes that containers share'),
  interfaces: z.array(Interface).max(8).optional().describe('its networks; default: the default network'),
  services: z.array(ServiceFields).max(64).optional().describe('what its processes reach, load-balanced'),
  portmappings: z.array(PortMapping).max(1024).optional().describe('ports of the host that lead to the pod'),
  portmappingWhiteLists: WhiteListFields.optional().describe('who may reach the pod; default: everyone'),
});
export type PodFields = z.infer<typeof PodFields>;
