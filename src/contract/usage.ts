import { z } from 'zod';

export const ContainerStats = z.object({
  id: z.string(),
  name: z.string(),
  cpuMicroseconds: z.number().int().describe('processor time since it was made'),
  memoryBytes: z.number().int().describe('without the cache of files that are not in use'),
  memoryLimitBytes: z.number().int().nullable(),
  pids: z.number().int(),
  readBytes: z.number().int().describe('from disks'),
  writtenBytes: z.number().int(),
});
export type ContainerStats = z.infer<typeof ContainerStats>;

/** What a pod's containers use, as their guest counts it. */
export const PodStats = z.object({
  podId: z.string(),
  name: z.string(),
  time: z.string(),
  vcpus: z.number().int(),
  containers: z.array(ContainerStats).describe('those that run'),
  receivedBytes: z.number().int().describe('by all NICs'),
  sentBytes: z.number().int(),
});
export type PodStats = z.infer<typeof PodStats>;

export const Process = z.object({
  containerId: z.string(),
  pid: z.number().int().describe('in the guest'),
  parentPid: z.number().int(),
  uid: z.number().int(),
  state: z.string().describe('a letter, as of ps'),
  cpuSeconds: z.number(),
  residentBytes: z.number().int(),
  args: z.array(z.string()),
});
export type Process = z.infer<typeof Process>;
