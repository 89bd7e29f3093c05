import { z } from 'zod';
import { PodSpec } from './pod.ts';

/** The body of every answer with a status of 400 or more. `code` is one of the table in docs/api.md. */
export const ApiError = z.object({ code: z.string(), message: z.string() });
export type ApiError = z.infer<typeof ApiError>;

export const Version = z.object({
  version: z.string().describe('of hyperd'),
  apiVersion: z.string(),
  node: z.string(),
  qemu: z.string().nullable().describe('of the hypervisor found, or null'),
  kernel: z.string().nullable().describe("of the guests' kernel, or null where none is set up"),
  os: z.string(),
  arch: z.string(),
});
export type Version = z.infer<typeof Version>;

export const Info = z.object({
  version: z.string(),
  root: z.string().describe('where images, pods and state are kept'),
  socket: z.string(),
  pid: z.number().int(),
  rootless: z.boolean(),
  hypervisor: z.object({
    name: z.literal('qemu'),
    version: z.string().nullable(),
    accelerator: z.enum(['kvm', 'tcg']),
    reason: z.string().describe('why this accelerator was chosen'),
    isolation: z.string().describe('how thick the wall between guest and host is'),
  }),
  kernel: z.string().nullable(),
  pods: z.object({ total: z.number().int(), running: z.number().int() }),
  containers: z.number().int(),
  images: z.number().int(),
  network: z.object({
    bridge: z.string(),
    subnet: z.string(),
    state: z.enum(['up', 'unavailable']),
    reason: z.string(),
  }),
  pool: z
    .object({ size: z.number().int(), waiting: z.number().int() })
    .describe('warmed VMs that wait for a pod: how many are wanted, how many wait'),
  preparedTemplates: z
    .object({ count: z.number().int(), bytes: z.number().int() })
    .describe("templates that stand by with an image's disks, and what of the host's memory they have"),
  vmMemory: z
    .object({ reservedMiB: z.number().int(), maxMiB: z.number().int(), waitingStarts: z.number().int() })
    .describe('what all VMs may come to need, the most that it may be, and how many starts wait for room'),
  host: z.object({ os: z.string(), kernel: z.string(), cpus: z.number().int(), memoryBytes: z.number() }),
  problems: z.array(z.string()).describe('what keeps pods from starting or soon will, each with what to do'),
});
export type Info = z.infer<typeof Info>;

export const Template = z.object({
  id: z.string(),
  vcpus: z.number().int(),
  memoryMiB: z.number().int(),
  nic: z.boolean(),
  createdAt: z.string(),
  sizeBytes: z.number().int().describe('on disk'),
});
export type Template = z.infer<typeof Template>;

export const TemplateRequest = z.strictObject({ vcpus: PodSpec.shape.vcpus, memoryMiB: PodSpec.shape.memoryMiB });
export type TemplateRequest = z.infer<typeof TemplateRequest>;
