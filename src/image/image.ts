import type { Digest } from '../lib/digest.ts';

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
