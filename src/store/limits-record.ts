import { z } from 'zod';

/** A container's limits as they are stored; null: none. Records of before there were any have none. */
export const containerLimits = {
  cpus: z.number().nullable().default(null),
  memoryLimitMiB: z.number().nullable().default(null),
  pidsLimit: z.number().nullable().default(null),
  shmSizeBytes: z.number().default(64 << 20),
};

/** The same of a pod's VM. */
export const podLimits = {
  diskBytesPerSecond: z.number().nullable().default(null),
  diskIops: z.number().nullable().default(null),
  sysctls: z.record(z.string(), z.string()).default({}),
};
