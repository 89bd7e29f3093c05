import { z } from 'zod';
import { containerHealth } from './health-record.ts';
import { containerLimits, podLimits } from './limits-record.ts';
import { ServiceOfPod } from './service-record.ts';

export const podStates = ['pending', 'running', 'paused', 'succeeded', 'failed'] as const;
export type PodState = (typeof podStates)[number];
export const restartPolicies = ['never', 'onFailure', 'always'] as const;
export type RestartPolicy = (typeof restartPolicies)[number];

const labels = z.record(z.string(), z.string());

/** What a container has at a path of its own: a folder or file of this host, a volume, a disk, or a server's folder. */
export const MountRecord = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('bind'),
    source: z.string(),
    target: z.string(),
    readOnly: z.boolean(),
    /** A socket: what connects to it is connected to that of this host. */
    socket: z.boolean().default(false),
  }),
  z.object({
    type: z.literal('volume'),
    volume: z.string(),
    /** Where it is on this host. */
    source: z.string(),
    target: z.string(),
    readOnly: z.boolean(),
    /** Nobody has given it a name: it goes where its pod is removed with its volumes. */
    anonymous: z.boolean(),
    /** It goes with its pod. */
    ofPod: z.boolean().default(false),
    /** Is never filled with what the image has there. */
    noCopy: z.boolean(),
  }),
  z.object({
    type: z.literal('disk'),
    /** A file of this host. */
    source: z.string(),
    target: z.string(),
    readOnly: z.boolean(),
    /** Never found out from what is in it. */
    format: z.enum(['raw', 'qcow2']),
    /** Null: what its superblock says. */
    fstype: z.string().nullable(),
    /** Null: the file system is on the whole disk. */
    partition: z.number().nullable(),
  }),
  z.object({
    type: z.literal('nfs'),
    /** HOST:/path. */
    source: z.string(),
    target: z.string(),
    readOnly: z.boolean(),
    /** As its user said them. */
    options: z.string(),
  }),
]);
export type MountRecord = z.infer<typeof MountRecord>;

/** A file that a container is given; `content` in base64, `user` as its accounts name it. */
export const FileRecord = z.object({
  path: z.string(),
  content: z.string(),
  mode: z.number(),
  user: z.string(),
  readOnly: z.boolean().default(false),
});
export type FileRecord = z.infer<typeof FileRecord>;

/** A container as it is stored. */
/** Its end is asked for: at that time what runs of it still is ended. `asked`: its stop signals have been sent. */
const stopping = z.object({ until: z.string(), asked: z.boolean() }).nullable().default(null);

export const ContainerRecord = z.object({
  id: z.string(),
  name: z.string(),
  /** As it was asked for. */
  image: z.string(),
  imageId: z.string(),
  args: z.array(z.string()),
  env: z.array(z.string()),
  workdir: z.string(),
  user: z.string(),
  tty: z.boolean(),
  stdin: z.boolean(),
  stdinOnce: z.boolean(),
  readOnly: z.boolean(),
  tmpfs: z.array(z.object({ path: z.string(), options: z.string() })),
  ulimits: z.array(z.object({ name: z.string(), soft: z.number(), hard: z.number() })),
  ...containerLimits,
  volumes: z.array(z.string()),
  mounts: z.array(MountRecord).default([]),
  files: z.array(FileRecord).default([]),
  labels,
  /** A signal's number. */
  stopSignal: z.number(),
  terminalSize: z.object({ rows: z.number(), cols: z.number() }).nullable(),
  /** Its number in the guest. */
  number: z.number(),
  /** The number in the guest of its first process, which is another one after each restart. */
  process: z.number().default(1),
  /** How often it was started again in this run of its pod. */
  restarts: z.number().default(0),
  /** It has ended, and is to be started again. */
  restarting: z.boolean().default(false),
  stopping,
  state: z.enum(podStates),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
  exitCode: z.number().nullable(),
  oomKilled: z.boolean(),
  error: z.string().nullable(),
  ...containerHealth,
  /** It runs to its end before the pod's containers start. */
  init: z.boolean().default(false),
  /** It starts when the init containers before it have succeeded. */
  waiting: z.boolean().default(false),
});
export type ContainerRecord = z.infer<typeof ContainerRecord>;

export const VmOfPod = z.object({
  id: z.string(),
  process: z.object({ pid: z.number(), startTime: z.string() }),
  accelerator: z.enum(['kvm', 'tcg']),
  helpers: z.array(z.object({ pid: z.number(), startTime: z.string() })).default([]),
});

export const PortOfPod = z.object({
  protocol: z.enum(['tcp', 'udp']),
  hostIp: z.string(),
  /** 0: any that is free, another at each start. */
  hostPort: z.number(),
  /** The first of these that is free. */
  hostPortLast: z.number().optional(),
  guestPort: z.number(),
});

export const EgressOfPod = z.object({
  to: z.string(),
  ports: z.object({ first: z.number(), last: z.number() }).optional(),
  protocol: z.enum(['tcp', 'udp']).optional(),
});

export const RateOfPod = z.object({ in: z.number().optional(), out: z.number().optional() });

const WhiteListsOfPod = z
  .object({ internal: z.array(z.string()).readonly(), external: z.array(z.string()).readonly() })
  .nullable()
  .default(null);

export const EndpointOfPod = z.object({
  network: z.string(),
  tap: z.string(),
  nic: z.number().default(0),
  mac: z.string(),
  address: z.string(),
  prefixLength: z.number(),
  gateway: z.string(),
  ipv6: z.object({ address: z.string(), prefixLength: z.number(), gateway: z.string() }).nullable().default(null),
  mtu: z.number(),
  internal: z.boolean().default(false),
  dns: z.array(z.string()).readonly(),
  names: z.array(z.string()).readonly().default([]),
  hostAccess: z.boolean().default(false),
  nameservers: z.array(z.string()).readonly().default([]),
  egress: z.array(EgressOfPod).readonly().nullable().default(null),
  rate: RateOfPod.default({}),
  whiteLists: WhiteListsOfPod,
  ports: z
    .array(
      z.object({
        ...PortOfPod.shape,
        arrivesAt: z.object({ ip: z.string(), port: z.number() }),
      }),
    )
    .readonly()
    .default([]),
});

/** What the pod is on a network. Addresses and `mac` only where they were asked for. */
export const NetworkOfPod = z.object({
  network: z.string(),
  aliases: z.array(z.string()),
  address: z.string().optional(),
  address6: z.string().optional(),
  mac: z.string().optional(),
});
export type NetworkOfPod = z.infer<typeof NetworkOfPod>;

/** A pod as it is stored: one row, replaced whole at each transition. */
const Pod = z.object({
  id: z.string(),
  name: z.string(),
  hostname: z.string(),
  /** It is made of a name that the pod has no more: no name of its in the DNS. */
  hostnameIsFormer: z.boolean().default(false),
  /** New limits are being set in the VM that runs. */
  limitsChanging: z.boolean().default(false),
  state: z.enum(podStates),
  vcpus: z.number(),
  memoryMiB: z.number(),
  storageMiB: z.number(),
  /** The writable layer's disk was made smaller than it is now. */
  storageHasGrown: z.boolean().default(false),
  ...podLimits,
  labels,
  autoRemove: z.boolean(),
  restartPolicy: z.enum(restartPolicies).default('never'),
  /** Of `onFailure`; null: no limit. */
  maxRestarts: z.number().nullable().default(null),
  /** How often it was started again, in another VM, since a user started it. */
  restarts: z.number().default(0),
  /** It has ended, and is to be started again. */
  restarting: z.boolean().default(false),
  stopping,
  /** The pod that is about to take its place: until that runs, it is this one that is to run. */
  replacedBy: z.string().nullable().default(null),
  createdAt: z.string(),
  startedAt: z.string().nullable(),
  /** When its latest run ended; null while another runs. */
  finishedAt: z.string().nullable(),
  reason: z.string().nullable(),
  /** What its user should know of how it was started. */
  warnings: z.array(z.string()).default([]),
  /** The VM that runs it, from before its process is started until it is known to have gone. */
  vm: VmOfPod.nullable(),
  /** Its NICs while it has a VM, in the order of its networks. One of no network that it is to be on was not finished. */
  endpoints: z.array(EndpointOfPod),
  /** None: it has no network. */
  networks: z.array(NetworkOfPod).default([{ network: 'default', aliases: [] }]),
  dns: z
    .object({
      servers: z.array(z.string()),
      search: z.array(z.string()),
      options: z.array(z.string()).default([]),
    })
    .default({ servers: [], search: [], options: [] }),
  /** Further lines of /etc/hosts; `host-gateway` is this host. */
  hosts: z.array(z.object({ name: z.string(), address: z.string() })).default([]),
  /** What it may reach beyond its network; null: what others may. */
  egress: z.array(EgressOfPod).nullable().default(null),
  /** Bits a second, to the pod and from it. */
  rate: RateOfPod.default({}),
  /** Who may reach it; null: everyone who reaches its network. */
  whiteLists: WhiteListsOfPod,
  /** What is published at each start. */
  ports: z.array(PortOfPod).default([]),
  services: z.array(ServiceOfPod).default([]),
  /** The newest event of the guest agent whose effect is in this record. */
  persistedEvent: z.number(),
  containers: z.array(ContainerRecord).min(1),
  /** The least number that the next container that is added may have: none is used twice, for what lies on the disk by it. */
  nextContainer: z.number().default(0),
});

/** When pods had one network, their one NIC was called `endpoint`. */
const EarlierPod = z.looseObject({ endpoint: z.looseObject({}).nullable(), endpoints: z.never().optional() });

export const PodRecord = z.preprocess((stored) => {
  const { data } = EarlierPod.safeParse(stored);
  if (data === undefined) return stored;
  const { endpoint, ...rest } = data;
  return { ...rest, endpoints: endpoint === null ? [] : [endpoint] };
}, Pod);
export type PodRecord = z.infer<typeof Pod>;
