import { z } from 'zod';
import { bounds } from './bounds.ts';

const sysctlNames = /^(fs|kernel|net|vm)\.[A-Za-z0-9_./-]+$/;

/** What a user may ask for of a container, beside its ulimits. */
export const containerLimitsAsked = {
  cpus: z
    .number()
    .min(0.01, { error: 'must be 0.01 or more' })
    .optional()
    .describe("processor time, as a number of CPUs, fractions too; at most the pod's vcpus; default: all of it"),
  memoryLimitMiB: z
    .number()
    .int()
    .min(bounds.memoryLimitMiB.least, { error: `must be ${bounds.memoryLimitMiB.least} or more` })
    .optional()
    .describe("of a container; default: what its pod's VM has"),
  pidsLimit: z
    .number()
    .int()
    .min(-1, { error: 'must be 1 or more, or -1 or 0 for none' })
    .optional()
    .describe('processes and threads; -1 or 0: no limit, the default'),
  shmSizeBytes: z.number().int().min(bounds.shmSizeBytes.least).optional().describe('of /dev/shm; default 67108864'),
};

/** What a user may ask for of a pod's VM, beside its vcpus, memory and storage. */
export const podLimitsAsked = {
  diskBytesPerSecond: z
    .number()
    .int()
    .min(bounds.diskBytesPerSecond.least)
    .max(bounds.diskBytesPerSecond.most)
    .optional()
    .describe('how fast the writable layer is read and written, together; default: no limit'),
  diskIops: z
    .number()
    .int()
    .min(bounds.diskIops.least)
    .max(bounds.diskIops.most)
    .optional()
    .describe('reads and writes of the writable layer in a second; default: no limit'),
  sysctls: z
    .record(z.string(), z.string())
    .refine((sysctls) => Object.keys(sysctls).every((name) => sysctlNames.test(name)), {
      error: 'names must begin with fs., kernel., net. or vm.',
    })
    .optional()
    .describe('of the pod\'s kernel, set before its process starts: {"net.core.somaxconn":"1024"}'),
};

export const containerLimits = {
  cpus: z.number().nullable().describe('processor time, as a number of CPUs; null: no limit'),
  memoryLimitMiB: z.number().int().nullable().describe('null: what its VM has'),
  pidsLimit: z.number().int().nullable().describe('null: no limit'),
  shmSizeBytes: z.number().int(),
};

export const podLimits = {
  diskBytesPerSecond: z.number().int().nullable().describe('null: no limit'),
  diskIops: z.number().int().nullable().describe('null: no limit'),
  sysctls: z.record(z.string(), z.string()),
};
