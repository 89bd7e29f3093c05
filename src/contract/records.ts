import { z } from 'zod';
import { ImageRemoval } from './image.ts';
import { containerLimitsAsked, podLimitsAsked } from './limits.ts';
import { TrafficRate } from './network.ts';
import { PodSpec } from './pod.ts';
import { Pruned } from './pruned.ts';

export const RenameRequest = z.strictObject({ name: PodSpec.shape.name.unwrap() });
export type RenameRequest = z.infer<typeof RenameRequest>;

export const LabelsRequest = z.strictObject({
  labels: z.record(z.string().min(1), z.string().nullable()).describe('null: the label goes'),
  overwrite: z.boolean().optional().describe('without it a label that has another value is a conflict'),
});
export type LabelsRequest = z.infer<typeof LabelsRequest>;

export const Labels = z.object({ labels: z.record(z.string(), z.string()) });
export type Labels = z.infer<typeof Labels>;

export const LoginRequest = z.strictObject({
  server: z
    .string()
    .min(1)
    .regex(/^[A-Za-z0-9.:_[\]-]+$/, { error: 'must be HOST or HOST:PORT' }),
  username: z.string().min(1),
  password: z.string(),
});
export type LoginRequest = z.infer<typeof LoginRequest>;

export const LoginAnswer = z.object({
  identityToken: z.string().nullable().describe('to be kept in place of the password, where the registry gives one'),
});
export type LoginAnswer = z.infer<typeof LoginAnswer>;

/** What is to change; what is left out stays. Null: no limit. */
export const PodUpdate = z.strictObject({
  cpus: containerLimitsAsked.cpus.nullable().describe('of the container that is named, or of the first one'),
  memoryLimitMiB: containerLimitsAsked.memoryLimitMiB.nullable().describe('of that container'),
  pidsLimit: containerLimitsAsked.pidsLimit.nullable().describe('of that container; -1, 0 or null: no limit'),
  diskBytesPerSecond: podLimitsAsked.diskBytesPerSecond.nullable(),
  diskIops: podLimitsAsked.diskIops.nullable(),
  rate: TrafficRate.optional().describe('empty: no limit'),
  restartPolicy: PodSpec.shape.restartPolicy,
  maxRestarts: PodSpec.shape.maxRestarts,
  vcpus: PodSpec.shape.vcpus.describe('only while it does not run'),
  memoryMiB: PodSpec.shape.memoryMiB.describe('only while it does not run'),
  storageMiB: PodSpec.shape.storageMiB.describe('only while it does not run, and no less than it has'),
});
export type PodUpdate = z.infer<typeof PodUpdate>;

/** Which of what nobody uses: those that fit all. */
export const PruneRequest = z.strictObject({
  labels: z.array(z.string().min(1)).optional().describe('NAME or NAME=VALUE'),
  until: z.string().optional().describe('ISO 8601 or seconds since 1970: only what was made before'),
});
export type PruneRequest = z.infer<typeof PruneRequest>;

export const ImagesPruned = z.object({
  ...ImageRemoval.shape,
  failed: Pruned.shape.failed,
  freedBytes: z.number(),
});
export type ImagesPruned = z.infer<typeof ImagesPruned>;

export const ImagePruneRequest = z.strictObject({
  ...PruneRequest.shape,
  all: z.boolean().optional().describe('also those that have a name'),
});
export type ImagePruneRequest = z.infer<typeof ImagePruneRequest>;
