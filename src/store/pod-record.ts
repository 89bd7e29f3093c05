import { z } from 'zod';

export const podStates = ['pending', 'running', 'succeeded', 'failed'] as const;
export type PodState = (typeof podStates)[number];

const labels = z.record(z.string(), z.string());

/** A container as it is stored. Its process is the first of its container in the guest. */
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
  volumes: z.array(z.string()),
  labels,
  /** A signal's number. */
  stopSignal: z.number(),
  terminalSize: z.object({ rows: z.number(), cols: z.number() }).nullable(),
  /** Its number in the guest. */
  number: z.number(),
  state: z.enum(podStates),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
  exitCode: z.number().nullable(),
  oomKilled: z.boolean(),
  error: z.string().nullable(),
});
export type ContainerRecord = z.infer<typeof ContainerRecord>;

export const VmOfPod = z.object({
  id: z.string(),
  process: z.object({ pid: z.number(), startTime: z.string() }),
  accelerator: z.enum(['kvm', 'tcg']),
});

export const EndpointOfPod = z.object({
  network: z.string(),
  tap: z.string(),
  mac: z.string(),
  address: z.string(),
  prefixLength: z.number(),
  gateway: z.string(),
  mtu: z.number(),
  dns: z.array(z.string()).readonly(),
});

/** A pod as it is stored: one row, replaced whole at each transition. */
export const PodRecord = z.object({
  id: z.string(),
  name: z.string(),
  hostname: z.string(),
  state: z.enum(podStates),
  vcpus: z.number(),
  memoryMiB: z.number(),
  storageMiB: z.number(),
  labels,
  autoRemove: z.boolean(),
  createdAt: z.string(),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
  reason: z.string().nullable(),
  /** What its user should know of how it was started. */
  warnings: z.array(z.string()).default([]),
  /** The VM that runs it, from before its process is started until it is known to have gone. */
  vm: VmOfPod.nullable(),
  endpoint: EndpointOfPod.nullable(),
  /** The newest event of the guest agent whose effect is in this record. */
  persistedEvent: z.number(),
  containers: z.array(ContainerRecord).min(1),
});
export type PodRecord = z.infer<typeof PodRecord>;
