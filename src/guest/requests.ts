import { type Field, tag } from './fields.ts';

/** The operations of the control channel (docs/agent-protocol.md, Requests), each as its op and fields. */
export interface AgentRequest {
  readonly op: number;
  readonly fields: readonly Field[];
}

export interface NicSetup {
  /** Of the interface, which is found by its MAC, else by this. */
  readonly name: string;
  readonly mac: string;
  /** With the prefix length: 192.168.123.2/24. */
  readonly addresses: readonly string[];
  /** Of the default routes, one a family at most: none of a family goes by this NIC that has no gateway of it here. */
  readonly gateways: readonly string[];
  readonly mtu: number;
}

export interface GuestSetup {
  readonly entropy: Buffer;
  readonly hostname: string;
  readonly nics: readonly NicSetup[];
  readonly sysctls?: Readonly<Record<string, string>>;
}

/** What the guest's processes reach at an address: its hosts, in turn. */
export interface ServiceSetup {
  /** By which its hosts are reached. */
  readonly interface: string;
  readonly address: string;
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
  readonly hosts: readonly { readonly address: string; readonly port: number }[];
}

export interface ContainerFile {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** `user[:group]` as the container's accounts name them, in place of uid and gid. */
  readonly user?: string;
  /** Its mount in the container; the host changes its content all the same. Left out: false. */
  readonly readOnly?: boolean;
  readonly content: Buffer;
}

/** A socket of the host's: the agent listens in its place, and says `source` of each connection. */
export interface SocketMount {
  readonly type: 'socket';
  readonly source: string;
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Something of the host's, or a disk of its own, that a container has at a path. */
export interface FileSystemMount {
  readonly type: 'virtiofs' | 'ext4';
  /** The tag of the device, or the serial of the disk. */
  readonly name: string;
  /** What of it: one name. */
  readonly source: string;
  readonly path: string;
  readonly readOnly: boolean;
  /** Fill it with what the image has at the path, if it is a folder and empty. */
  readonly seed: boolean;
}

/** A disk with a file system that somebody has made. */
export interface DiskMount {
  readonly type: 'disk';
  /** Its serial. */
  readonly name: string;
  readonly path: string;
  readonly readOnly: boolean;
  /** Left out: what its superblock says. */
  readonly fstype?: string | undefined;
  /** Left out: the file system is on the whole disk. */
  readonly partition?: number | undefined;
}

/** A folder of an NFS server, which the guest's kernel mounts over its network. */
export interface NfsMount {
  readonly type: 'nfs';
  /** One of its own among the guest's mounts. */
  readonly name: string;
  /** HOST:/path. */
  readonly source: string;
  /** As of mount(2), the server's `addr` among them. */
  readonly options: string;
  readonly path: string;
  readonly readOnly: boolean;
}

export type ContainerMount = FileSystemMount | DiskMount | NfsMount | SocketMount;

export interface ContainerSetup {
  /** The container's number in this guest, > 0. */
  readonly container: number;
  /** Serial of the EROFS disk. */
  readonly root: string;
  /** Serial of the ext4 disk of the writable layer. */
  readonly scratch: string;
  /** Bytes that its file system is to have, where it has less. */
  readonly scratchBytes?: number;
  readonly readOnly: boolean;
  readonly tmpfs: readonly { readonly path: string; readonly options: string }[];
  readonly files: readonly ContainerFile[];
  readonly volumes: readonly string[];
  readonly mounts?: readonly ContainerMount[];
  readonly shmBytes?: number;
  /** Processes and threads. */
  readonly pidsMax?: number;
  /** Bytes; left out: what the guest has. */
  readonly memoryMax?: number;
  /** `quota period`, both in microseconds. */
  readonly cpuMax?: string;
  readonly sysctls?: Readonly<Record<string, string>>;
  /** Made ahead: a second request, of the same disks, says the rest. */
  readonly standby?: boolean;
}

export interface ProcessSetup {
  /** Chosen by the host, never used twice in a guest's life. */
  readonly process: number;
  /** 0: the guest itself. */
  readonly container: number;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd?: string;
  readonly user?: string;
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly size?: { readonly rows: number; readonly cols: number };
  readonly rlimits: readonly { readonly name: string; readonly soft: bigint; readonly hard: bigint }[];
  /** A bit for each capability number. */
  readonly capabilities?: bigint;
  /** What the agent does itself, in place of a command (docs/agent-protocol.md, Tasks): `args` are its own. */
  readonly task?: Task;
}

/** docs/agent-protocol.md, Tasks. */
const tasks = { stat: 1, pack: 2, unpack: 3, changes: 4, fetch: 5 } as const;
export type Task = keyof typeof tasks;

export const pingRequest = (): AgentRequest => ({ op: 1, fields: [] });

export function setupRequest(setup: GuestSetup): AgentRequest {
  return {
    op: 2,
    fields: [
      [tag.clock, wallClock()],
      [tag.entropy, setup.entropy],
      [tag.hostname, setup.hostname],
      ...setup.nics.map(nicField),
      ...sysctlFields(setup.sysctls),
    ],
  };
}

function nicField(nic: NicSetup): Field {
  return [
    tag.nic,
    [
      [tag.name, nic.name],
      [tag.mac, nic.mac],
      ...nic.addresses.map((address): Field => [tag.address, address]),
      ...nic.gateways.map((gateway): Field => [tag.gateway, gateway]),
      [tag.mtu, nic.mtu],
    ],
  ];
}

function sysctlFields(sysctls: Readonly<Record<string, string>> = {}): Field[] {
  return Object.entries(sysctls).map(([name, content]) => [
    tag.sysctl,
    [
      [tag.name, name],
      [tag.content, content],
    ],
  ]);
}

const placeFields = ({ address, port }: { readonly address: string; readonly port: number }): Field[] => [
  [tag.address, address],
  [tag.port, port],
];

export function setServicesRequest(services: readonly ServiceSetup[]): AgentRequest {
  const fields = services.map((service): Field => [
    tag.service,
    [
      [tag.name, service.interface],
      ...placeFields(service),
      [tag.protocol, service.protocol],
      ...service.hosts.map((host): Field => [tag.host, placeFields(host)]),
    ],
  ]);
  return { op: 30, fields };
}

function mountFields(mount: ContainerMount): Field[] {
  const common: Field[] = [
    [tag.type, mount.type],
    [tag.path, mount.path],
  ];
  if (mount.type === 'socket') {
    const { source, mode, uid, gid } = mount;
    return [...common, [tag.source, source], [tag.mode, mode], [tag.uid, uid], [tag.gid, gid]];
  }
  common.push([tag.name, mount.name], [tag.readOnly, mount.readOnly]);
  if (mount.type === 'nfs') return [...common, [tag.source, mount.source], [tag.options, mount.options]];
  if (mount.type !== 'disk') return [...common, [tag.source, mount.source], [tag.seed, mount.seed]];
  if (mount.fstype !== undefined) common.push([tag.fstype, mount.fstype]);
  if (mount.partition !== undefined) common.push([tag.partition, mount.partition]);
  return common;
}

export function createContainerRequest(setup: ContainerSetup): AgentRequest {
  return {
    op: 3,
    fields: [
      [tag.container, setup.container],
      [tag.root, setup.root],
      [tag.scratch, setup.scratch],
      [tag.readOnly, setup.readOnly],
      ...setup.tmpfs.map((tmpfs): Field => [
        tag.tmpfs,
        [
          [tag.path, tmpfs.path],
          [tag.options, tmpfs.options],
        ],
      ]),
      ...setup.files.map(fileField),
      ...setup.volumes.map((path): Field => [tag.volume, [[tag.path, path]]]),
      ...(setup.mounts ?? []).map((mount): Field => [tag.mount, mountFields(mount)]),
      ...(setup.scratchBytes === undefined ? [] : [[tag.scratchSize, setup.scratchBytes] as const]),
      ...(setup.shmBytes === undefined ? [] : [[tag.shmSize, setup.shmBytes] as const]),
      ...(setup.pidsMax === undefined ? [] : [[tag.pidsMax, setup.pidsMax] as const]),
      ...(setup.memoryMax === undefined ? [] : [[tag.memoryMax, setup.memoryMax] as const]),
      ...(setup.cpuMax === undefined ? [] : [[tag.cpuMax, setup.cpuMax] as const]),
      ...(setup.standby === undefined ? [] : [[tag.standby, setup.standby] as const]),
      ...sysctlFields(setup.sysctls),
    ],
  };
}

function fileField(file: ContainerFile): Field {
  return [
    tag.file,
    [
      [tag.path, file.path],
      [tag.mode, file.mode],
      [tag.uid, file.uid],
      [tag.gid, file.gid],
      ...(file.user === undefined ? [] : [[tag.user, file.user] as const]),
      ...(file.readOnly === true ? [[tag.readOnly, true] as const] : []),
      [tag.content, file.content],
    ],
  ];
}

export function startProcessRequest(setup: ProcessSetup): AgentRequest {
  const optional: Field[] = [];
  if (setup.cwd !== undefined) optional.push([tag.cwd, setup.cwd]);
  if (setup.user !== undefined && setup.user !== '') optional.push([tag.user, setup.user]);
  if (setup.size !== undefined) optional.push([tag.rows, setup.size.rows], [tag.cols, setup.size.cols]);
  if (setup.capabilities !== undefined) optional.push([tag.caps, setup.capabilities]);
  if (setup.task !== undefined) optional.push([tag.task, tasks[setup.task]]);
  return {
    op: 4,
    fields: [
      [tag.process, setup.process],
      [tag.container, setup.container],
      ...setup.args.map((arg): Field => [tag.arg, arg]),
      ...setup.env.map((entry): Field => [tag.env, entry]),
      [tag.tty, setup.tty],
      [tag.stdin, setup.stdin],
      ...setup.rlimits.map((limit): Field => [
        tag.rlimit,
        [
          [tag.name, limit.name],
          [tag.soft, limit.soft],
          [tag.hard, limit.hard],
        ],
      ]),
      ...optional,
    ],
  };
}

export const signalRequest = (process: number, signal: number, group: boolean): AgentRequest => ({
  op: 5,
  fields: [[tag.process, process], [tag.signal, signal], ...(group ? [[tag.group, true] as const] : [])],
});

export const resizeRequest = (process: number, rows: number, cols: number): AgentRequest => ({
  op: 6,
  fields: [
    [tag.process, process],
    [tag.rows, rows],
    [tag.cols, cols],
  ],
});

export const setClockRequest = (): AgentRequest => ({ op: 7, fields: [[tag.clock, wallClock()]] });

export const destroyContainerRequest = (container: number): AgentRequest => ({
  op: 8,
  fields: [[tag.container, container]],
});

export const shutdownRequest = (): AgentRequest => ({ op: 9, fields: [] });

export const closeOutputRequest = (process: number, stream: number): AgentRequest => ({
  op: 10,
  fields: [
    [tag.process, process],
    [tag.stream, stream],
  ],
});

export const configureNicRequest = (nic: NicSetup): AgentRequest => ({ op: 11, fields: [nicField(nic)] });

export const removeNicRequest = (mac: string): AgentRequest => ({ op: 12, fields: [[tag.nic, [[tag.mac, mac]]]] });

export const updateFilesRequest = (container: number, files: readonly ContainerFile[]): AgentRequest => ({
  op: 13,
  fields: [[tag.container, container], ...files.map(fileField)],
});

export interface ContainerLimits {
  /** Undefined: none. */
  readonly pidsMax?: number | undefined;
  /** Bytes; undefined: what all containers have together. */
  readonly memoryMax?: number | undefined;
  /** As `ContainerSetup` has it; undefined: all there is. */
  readonly cpuMax?: string | undefined;
}

const unlimited = 2n ** 64n - 1n;

export const limitContainerRequest = (
  container: number,
  { pidsMax, memoryMax, cpuMax }: ContainerLimits,
): AgentRequest => ({
  op: 31,
  fields: [
    [tag.container, container],
    [tag.pidsMax, pidsMax ?? unlimited],
    ...(memoryMax === undefined ? [] : [[tag.memoryMax, memoryMax] as const]),
    [tag.cpuMax, cpuMax ?? 'max'],
  ],
});

export const freezeRequest = (frozen: boolean): AgentRequest => ({ op: 20, fields: [[tag.frozen, frozen]] });

export const readFilesRequest = (paths: readonly string[]): AgentRequest => ({
  op: 21,
  fields: paths.map((path): Field => [tag.arg, path]),
});

export const clearMemoryRequest = (): AgentRequest => ({ op: 22, fields: [] });

/** Nanoseconds since 1970, from the clock that follows corrections and sleep (performance.now() does not). */
function wallClock(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}
