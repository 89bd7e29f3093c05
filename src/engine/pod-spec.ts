import type { EgressRule, TrafficRate, WhiteLists } from '../network/index.ts';
import type { HealthSpec } from './health-plan.ts';
import type { ContainerLimitsSpec, PodLimitsSpec } from './limits-spec.ts';
import type { RestartPolicy } from '../store/index.ts';
import type { ServiceSpec } from './plan-service.ts';
import type { Ulimit } from './ulimits.ts';

export interface TerminalSize {
  readonly rows: number;
  readonly cols: number;
}

/** A folder or file of this host. */
export interface BindSpec {
  readonly type: 'bind';
  readonly source: string;
  readonly target: string;
  readonly readOnly?: boolean | undefined;
  /** A missing source is made, a folder. */
  readonly create?: boolean | undefined;
}

export interface VolumeMountSpec {
  readonly type: 'volume';
  /** The volume's name; left out, it is anonymous and goes with the pod. */
  readonly source?: string | undefined;
  readonly target: string;
  readonly readOnly?: boolean | undefined;
  /** The pod's own, shared under its name by the pod's containers; it goes with the pod. */
  readonly ofPod?: boolean | undefined;
  /** A fresh one stays empty. */
  readonly noCopy?: boolean | undefined;
  /** Of a volume that is made for it. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly options?: Readonly<Record<string, string>> | undefined;
}

/** A file of this host that is a disk with a file system: of one pod at a time, or of any that only read it. */
export interface DiskSpec {
  readonly type: 'disk';
  readonly source: string;
  readonly target: string;
  readonly readOnly?: boolean | undefined;
  /** Left out: as the source's name ends, .qcow2, .raw or .img. */
  readonly format?: 'raw' | 'qcow2' | undefined;
  /** Left out: what the guest finds on it. */
  readonly fstype?: string | undefined;
  readonly partition?: number | undefined;
}

/** A folder of an NFS server. */
export interface NfsSpec {
  readonly type: 'nfs';
  /** HOST:/path. */
  readonly source: string;
  readonly target: string;
  readonly readOnly?: boolean | undefined;
  /** Those of nfs(5), parted by commas. */
  readonly options?: string | undefined;
}

export type MountSpec = BindSpec | VolumeMountSpec | DiskSpec | NfsSpec;

/** A file that a container is to find at its path. */
export interface FileSpec {
  readonly path: string;
  /** In base64. */
  readonly content: string;
  readonly mode?: number | undefined;
  /** As the container's accounts name them. */
  readonly user?: string | undefined;
  readonly group?: string | undefined;
  readonly readOnly?: boolean | undefined;
}

/** What a user asks for. The front doors' own shapes fit it; what is left out gets its default here in the engine. */
export interface ContainerSpec extends ContainerLimitsSpec, HealthSpec {
  readonly name?: string | undefined;
  readonly image: string;
  readonly entrypoint?: readonly string[] | undefined;
  readonly command?: readonly string[] | undefined;
  readonly env?: readonly string[] | undefined;
  readonly workdir?: string | undefined;
  readonly user?: string | undefined;
  readonly tty?: boolean | undefined;
  readonly stdin?: boolean | undefined;
  readonly stdinOnce?: boolean | undefined;
  readonly readOnly?: boolean | undefined;
  readonly tmpfs?: readonly { readonly path: string; readonly options: string }[] | undefined;
  readonly mounts?: readonly MountSpec[] | undefined;
  readonly files?: readonly FileSpec[] | undefined;
  readonly ulimits?: readonly Ulimit[] | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly stopSignal?: string | undefined;
  readonly terminalSize?: TerminalSize | undefined;
}

export interface PortSpec {
  readonly protocol?: 'tcp' | 'udp' | undefined;
  readonly hostIp?: string | undefined;
  /** 0 or left out: any that is free. */
  readonly hostPort?: number | undefined;
  /** One from `hostPort` to this one. */
  readonly hostPortLast?: number | undefined;
  readonly guestPort: number;
}

export interface NetworkOfPodSpec {
  readonly network: string;
  readonly aliases?: readonly string[] | undefined;
  readonly address?: string | undefined;
  readonly address6?: string | undefined;
  readonly mac?: string | undefined;
}

export interface PodSpec extends PodLimitsSpec {
  readonly name?: string | undefined;
  readonly hostname?: string | undefined;
  readonly vcpus?: number | undefined;
  readonly memoryMiB?: number | undefined;
  readonly storageMiB?: number | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly autoRemove?: boolean | undefined;
  readonly restartPolicy?: RestartPolicy | undefined;
  readonly maxRestarts?: number | undefined;
  /** Left out: the default network; empty: none. */
  readonly networks?: readonly NetworkOfPodSpec[] | undefined;
  readonly dns?:
    | {
        readonly servers?: readonly string[] | undefined;
        readonly search?: readonly string[] | undefined;
        readonly options?: readonly string[] | undefined;
      }
    | undefined;
  readonly hosts?: readonly { readonly name: string; readonly address: string }[] | undefined;
  /** What it may reach beyond its network; empty: nothing; left out: what others may. */
  readonly egress?: readonly EgressRule[] | undefined;
  readonly rate?: TrafficRate | undefined;
  /** Who may reach it; left out: everyone who reaches its network. */
  readonly whiteLists?: WhiteLists | undefined;
  readonly ports?: readonly PortSpec[] | undefined;
  readonly services?: readonly ServiceSpec[] | undefined;
  /** Publishes each port that the image exposes. */
  readonly publishAll?: boolean | undefined;
  readonly containers: readonly ContainerSpec[];
  /** Run one after the other before the containers start. */
  readonly initContainers?: readonly ContainerSpec[] | undefined;
}

export interface ExecSpec {
  readonly args: readonly string[];
  readonly env?: readonly string[] | undefined;
  readonly workdir?: string | undefined;
  readonly user?: string | undefined;
  readonly tty?: boolean | undefined;
  readonly stdin?: boolean | undefined;
  /** In the guest itself, outside every container. */
  readonly vm?: boolean | undefined;
  readonly terminalSize?: TerminalSize | undefined;
}

/** What a pod gets when its user does not say. The first Hyper's, but for the disk. */
export const podDefaults = { vcpus: 1, memoryMiB: 128, storageMiB: 10240 } as const;
