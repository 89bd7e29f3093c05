import type { Digest } from '../lib/digest.ts';

/** An image's HEALTHCHECK: what it leaves out, or has as 0, is null. */
export interface ImageHealthCheck {
  /** `["CMD", program, …]` or `["CMD-SHELL", text]`. */
  readonly test: readonly string[];
  readonly intervalSeconds: number | null;
  readonly timeoutSeconds: number | null;
  readonly startPeriodSeconds: number | null;
  readonly startIntervalSeconds: number | null;
  readonly retries: number | null;
}

/** What an image's config says about the process to run; every field the config leaves out is empty. */
export interface ImageConfig {
  readonly user: string;
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly workdir: string;
  readonly volumes: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly stopSignal: string | null;
  readonly healthCheck: ImageHealthCheck | null;
  /** What runs commands that are text, `["/bin/sh", "-c"]`; empty: not said. */
  readonly shell: readonly string[];
  /** `80/tcp` */
  readonly exposedPorts: readonly string[];
  readonly architecture: string;
  readonly os: string;
  /** ISO 8601, as the image says it. */
  readonly created: string | null;
}

export interface ImageLayer {
  readonly diffId: Digest;
  /** Bytes on disk: data and index. */
  readonly sizeBytes: number;
}

/** An image of the store. `tags` and `digests` are full references, sorted. */
export interface Image {
  /** The config's digest. */
  readonly id: Digest;
  readonly tags: readonly string[];
  /** `NAME@sha256:…` of the manifests or indexes it was pulled by. */
  readonly digests: readonly string[];
  readonly createdAt: string | null;
  /** On disk, shared layers counted in full. */
  readonly sizeBytes: number;
  readonly architecture: string;
  readonly os: string;
  readonly config: ImageConfig;
  /** Lowest first. */
  readonly layers: readonly ImageLayer[];
}
