import { z } from 'zod';

export const Image = z.object({
  id: z.string().describe("the config's digest: sha256:…"),
  tags: z.array(z.string()).describe('full references: docker.io/library/busybox:latest'),
  digests: z.array(z.string()).describe('NAME@sha256:… of the manifests it was pulled by'),
  createdAt: z.string().nullable().describe("the image's own time, ISO 8601"),
  sizeBytes: z.number().describe('on disk, shared layers counted in full'),
  architecture: z.string(),
  os: z.string(),
});
export type Image = z.infer<typeof Image>;

const seconds = z.number().nullable().describe('null: not said');

export const ImageHealthCheck = z.object({
  test: z.array(z.string()).describe('["CMD", program, …] or ["CMD-SHELL", text]'),
  intervalSeconds: seconds,
  timeoutSeconds: seconds,
  startPeriodSeconds: seconds,
  startIntervalSeconds: seconds,
  retries: z.number().int().nullable(),
});
export type ImageHealthCheck = z.infer<typeof ImageHealthCheck>;

export const ImageDetails = Image.extend({
  config: z.object({
    user: z.string(),
    env: z.array(z.string()),
    entrypoint: z.array(z.string()),
    command: z.array(z.string()),
    workdir: z.string(),
    volumes: z.array(z.string()),
    labels: z.record(z.string(), z.string()),
    stopSignal: z.string().nullable(),
    healthCheck: ImageHealthCheck.nullable(),
    shell: z.array(z.string()).describe('what runs commands that are text; empty: /bin/sh -c'),
    exposedPorts: z.array(z.string()),
  }),
  layers: z.array(z.object({ diffId: z.string(), sizeBytes: z.number() })),
});
export type ImageDetails = z.infer<typeof ImageDetails>;

export const Credentials = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('password'), username: z.string().min(1), password: z.string() }),
  z.object({ kind: z.literal('identityToken'), token: z.string().min(1) }).describe('exchanged for access tokens'),
]);
export type Credentials = z.infer<typeof Credentials>;

export const PullRequest = z.object({
  reference: z.string().min(1),
  credentials: Credentials.optional().describe("for the reference's registry; without them, hyperd's own login"),
});
export type PullRequest = z.infer<typeof PullRequest>;

/** One line of the NDJSON that pull and load answer with. The last line is `done` or `error`. */
export const ImageProgress = z.discriminatedUnion('type', [
  z.object({ type: z.literal('status'), message: z.string() }),
  z.object({
    type: z.literal('layer'),
    digest: z.string(),
    status: z.enum(['waiting', 'downloading', 'retrying', 'exists', 'done']),
    currentBytes: z.number(),
    totalBytes: z.number().nullable(),
  }),
  z.object({ type: z.literal('done'), image: Image, reference: z.string(), changed: z.boolean() }),
  z.object({ type: z.literal('error'), code: z.string(), message: z.string() }),
]);
export type ImageProgress = z.infer<typeof ImageProgress>;

export const ImageRemoval = z.object({ untagged: z.array(z.string()), deleted: z.array(z.string()) });
export type ImageRemoval = z.infer<typeof ImageRemoval>;
