import { z } from 'zod';
import { PodSpec } from './pod.ts';

export const podFileFormats = ['json', 'yaml', 'kubernetes'] as const;

export const PodFileRequest = z.strictObject({
  text: z
    .string()
    .max(1 << 20, { error: 'a pod file may have at most 1 MiB: give large files by a uri' })
    .describe('what is in the pod file (docs/pod-files.md)'),
  format: z
    .enum(podFileFormats)
    .optional()
    .describe('kubernetes: a manifest of a Pod, in JSON or YAML; left out: told by what is in it'),
});
export type PodFileRequest = z.infer<typeof PodFileRequest>;

export const PodFileContent = z.object({ spec: PodSpec.describe('what podCreate takes for it') });
export type PodFileContent = z.infer<typeof PodFileContent>;
