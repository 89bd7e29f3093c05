import { z } from 'zod';
import { type Bounds, bounds, textForms } from './bounds.ts';
import { Health, HealthCheckSpec, ProbesSpec } from './health.ts';
import {
  DnsSpec,
  EgressRule,
  HostSpec,
  NetworkOfPod,
  NetworkOfPodSpec,
  objectName,
  Port,
  PortSpec,
  TrafficRate,
  WhiteLists,
} from './network.ts';
import { containerLimits, containerLimitsAsked, podLimits, podLimitsAsked } from './limits.ts';
import { Mount, MountSpec } from './mount.ts';
import { Service, ServiceSpecs } from './service.ts';

export const podStates = ['pending', 'running', 'paused', 'succeeded', 'failed'] as const;
export const PodState = z.enum(podStates);
export type PodState = z.infer<typeof PodState>;

export const restartPolicies = ['never', 'onFailure', 'always'] as const;
export const RestartPolicy = z.enum(restartPolicies);
export type RestartPolicy = z.infer<typeof RestartPolicy>;

const name = z.string().regex(textForms.podName.pattern, { error: `must be ${textForms.podName.words}` });
const whole = ({ least, most }: Bounds): z.ZodNumber => z.number().int().min(least).max(most);
const labels = z.record(z.string().min(1), z.string());

export const Ulimit = z.strictObject({
  name: z.string(),
  soft: z.number().int().min(-1).describe('-1: unlimited'),
  hard: z.number().int().min(-1),
});
export type Ulimit = z.infer<typeof Ulimit>;

/** A file that a container finds at its path at each of its starts, in place of what the image has there. */
export const FileSpec = z.strictObject({
  path: z.string().startsWith('/', { error: 'must be an absolute path' }),
  content: z
    .base64()
    .max(1 << 20)
    .describe('in base64'),
  mode: z.number().int().min(0).max(0o7777).optional().describe('default 0644, which is 420'),
  user: z.string().optional().describe('name or id of its owner in the container; default: root'),
  group: z.string().optional(),
  readOnly: z.boolean().optional().describe('no process of the container can write it; default false'),
});
export type FileSpec = z.infer<typeof FileSpec>;

export const ContainerSpec = z.strictObject({
  name: objectName.optional(),
  image: z.string().min(1),
  entrypoint: z.array(z.string()).optional().describe("replaces the image's entrypoint and drops its command"),
  command: z.array(z.string()).optional().describe("replaces the image's command"),
  env: z.array(z.string().regex(/^[^=]+=/, { error: 'must be NAME=VALUE' })).optional(),
  workdir: z.string().startsWith('/', { error: 'must be an absolute path' }).optional(),
  user: z.string().optional().describe('name|uid[:group|gid]'),
  tty: z.boolean().optional(),
  stdin: z.boolean().optional().describe('keep stdin open for attached clients'),
  stdinOnce: z.boolean().optional().describe('close stdin when the first attached client has gone'),
  readOnly: z.boolean().optional(),
  tmpfs: z
    .array(z.strictObject({ path: z.string().startsWith('/'), options: z.string() }))
    .optional()
    .describe('options as of mount: size=64m,mode=1777'),
  mounts: z.array(MountSpec).optional(),
  files: z.array(FileSpec).max(256).optional(),
  ulimits: z.array(Ulimit).optional(),
  ...containerLimitsAsked,
  labels: labels.optional(),
  stopSignal: z.string().optional(),
  terminalSize: z.strictObject({ rows: z.number().int().min(1), cols: z.number().int().min(1) }).optional(),
  healthCheck: HealthCheckSpec.optional().describe("laid over the image's"),
  probes: ProbesSpec.optional(),
});
export type ContainerSpec = z.infer<typeof ContainerSpec>;

/** A container that runs to its end before the pod's containers start. */
export const InitContainerSpec = ContainerSpec.omit({ healthCheck: true, probes: true });
export type InitContainerSpec = z.infer<typeof InitContainerSpec>;

export const PodSpec = z.strictObject({
  name: name.optional(),
  hostname: z
    .string()
    .min(1)
    .max(63)
    .regex(textForms.hostname.pattern, { error: `must be ${textForms.hostname.words}` })
    .optional(),
  vcpus: whole(bounds.vcpus).optional().describe('default 1'),
  memoryMiB: whole(bounds.memoryMiB).optional().describe('of the VM; default 128'),
  storageMiB: whole(bounds.storageMiB).optional().describe('of the writable layer; default 10240'),
  ...podLimitsAsked,
  labels: labels.optional(),
  autoRemove: z.boolean().optional().describe('remove the pod when it has ended'),
  restartPolicy: RestartPolicy.optional().describe('what becomes of a container that has ended; default: never'),
  maxRestarts: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe('of onFailure: how often a container is started again; default: no limit'),
  networks: z.array(NetworkOfPodSpec).max(8).optional().describe('empty: none; left out: the default network'),
  dns: DnsSpec.optional(),
  hosts: z.array(HostSpec).optional().describe('further lines of /etc/hosts'),
  egress: z
    .array(EgressRule)
    .max(256)
    .optional()
    .describe('what it may reach beyond its network; empty: nothing; left out: what others may'),
  rate: TrafficRate.optional(),
  whiteLists: WhiteLists.optional().describe('who may reach it; left out: everyone who reaches its network'),
  ports: z.array(PortSpec).max(1024).optional().describe('ports of the host that lead to the pod'),
  services: ServiceSpecs.optional().describe('what its processes reach at an address of its own'),
  publishAll: z.boolean().optional().describe('publish each port that the image exposes'),
  containers: z.array(ContainerSpec).min(1).max(32).describe('they share its network, hostname and IPC'),
  initContainers: z
    .array(InitContainerSpec)
    .max(32)
    .optional()
    .describe('run one after the other, each to its success, before the containers start'),
});
export type PodSpec = z.infer<typeof PodSpec>;

export const Container = z.object({
  id: z.string(),
  name: z.string(),
  podId: z.string(),
  image: z.string().describe('as it was asked for'),
  imageId: z.string(),
  state: PodState,
  args: z.array(z.string()).describe('the command line that runs'),
  env: z.array(z.string()),
  workdir: z.string(),
  user: z.string(),
  tty: z.boolean(),
  stdin: z.boolean(),
  readOnly: z.boolean(),
  ...containerLimits,
  mounts: z.array(Mount),
  files: z.array(z.string()).describe('the paths of those that it was given'),
  labels,
  createdAt: z.string(),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
  exitCode: z.number().int().nullable(),
  restarts: z.number().int().describe('how often it was started again in this run of its pod'),
  restarting: z.boolean().describe('it has ended, and waits for another start'),
  oomKilled: z.boolean(),
  error: z.string().nullable().describe('why it could not be started, or how its VM ended'),
  init: z.boolean().describe('it runs to its end before the pod’s containers start'),
  waiting: z.boolean().describe('it starts when the init containers before it have succeeded'),
  health: Health.nullable().describe('null: it has no health check'),
  ready: z.boolean().describe('it runs, and its health check, startup and readiness probes say that all is well'),
  probeFailure: z.string().nullable().describe('why a probe has ended its latest process'),
  execIds: z.array(z.string()).describe('its execs that run'),
});
export type Container = z.infer<typeof Container>;

export const Pod = z.object({
  id: z.string(),
  name: z.string(),
  hostname: z.string(),
  state: PodState,
  vmId: z.string().nullable().describe('null when no VM runs'),
  vcpus: z.number().int(),
  memoryMiB: z.number().int(),
  storageMiB: z.number().int(),
  networks: z.array(NetworkOfPod).describe('empty: it has none'),
  network: z.string().nullable().describe('the main one, which its default route leads to'),
  address: z.string().nullable().describe('192.168.123.2, on the main network while it runs'),
  address6: z.string().nullable().describe('the same of IPv6'),
  mac: z.string().nullable(),
  egress: z.array(EgressRule).nullable().describe('null: not bounded'),
  rate: TrafficRate,
  whiteLists: WhiteLists.nullable().describe('null: everyone who reaches its network may'),
  ports: z.array(Port),
  services: z.array(Service),
  ...podLimits,
  labels,
  autoRemove: z.boolean(),
  restartPolicy: RestartPolicy,
  maxRestarts: z.number().int().nullable().describe('of onFailure; null: no limit'),
  restarts: z.number().int().describe('how often it was started again in another VM since a user started it'),
  restarting: z.boolean().describe('it has ended, and waits for another start'),
  createdAt: z.string(),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable().describe('when its latest run ended; null while another runs'),
  exitCode: z.number().int().nullable().describe("the first container's"),
  reason: z.string().nullable(),
  warnings: z.array(z.string()).describe('what its user should know of how it was started'),
  containers: z.array(Container),
});
export type Pod = z.infer<typeof Pod>;

export const PodCreated = z.object({ id: z.string(), name: z.string(), containers: z.array(z.string()) });
export type PodCreated = z.infer<typeof PodCreated>;

export const StartTiming = z.object({
  origin: z
    .enum(['pool', 'template', 'boot'])
    .describe('of the VM: a warmed clone that waited, a clone of a template, or a boot'),
  steps: z.array(z.object({ name: z.string(), milliseconds: z.number() })).describe('in order'),
});
export type StartTiming = z.infer<typeof StartTiming>;

export const PodStarted = z.object({ warnings: z.array(z.string()), timing: StartTiming.nullable() });
export type PodStarted = z.infer<typeof PodStarted>;

export const StopRequest = z.strictObject({
  timeoutSeconds: z.number().min(0).optional(),
  signal: z.string().optional().describe('in place of the stop signal of each'),
});
export type StopRequest = z.infer<typeof StopRequest>;

export const KillRequest = z.strictObject({
  signal: z.string().optional().describe('KILL, SIGTERM or a number; default KILL'),
});
export type KillRequest = z.infer<typeof KillRequest>;

export const WaitResult = z.object({ exitCode: z.number().int(), error: z.string().nullable() });
export type WaitResult = z.infer<typeof WaitResult>;

export const ReplaceRequest = z.strictObject({
  by: z.string().min(1).describe('the pod that takes its place'),
  timeoutSeconds: z.number().min(0).optional(),
});
export type ReplaceRequest = z.infer<typeof ReplaceRequest>;

export const VmRequest = z.strictObject({ vcpus: PodSpec.shape.vcpus, memoryMiB: PodSpec.shape.memoryMiB });
export type VmRequest = z.infer<typeof VmRequest>;

export const Vm = z.object({
  id: z.string(),
  podId: z.string().nullable(),
  state: z.enum(['associated', 'paused', 'idle']),
  pid: z.number().int(),
  accelerator: z.enum(['kvm', 'tcg']),
});
export type Vm = z.infer<typeof Vm>;
