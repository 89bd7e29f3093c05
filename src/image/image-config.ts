import { z } from 'zod';
import type { Digest } from '../lib/digest.ts';
import { isDigest } from '../lib/digest.ts';
import { HyperError } from '../lib/errors.ts';
import { formatHealthCheck, parseHealthCheck } from './health-check-config.ts';
import type { ImageConfig } from './image.ts';
import { parseJson } from './manifest.ts';
import { platform } from './platform.ts';

const Strings = z.array(z.string()).nullish();
const Keys = z.record(z.string(), z.unknown()).nullish();
const RawConfig = z.object({
  architecture: z.string(),
  os: z.string(),
  created: z.string().nullish(),
  config: z
    .object({
      User: z.string().nullish(),
      Env: Strings,
      Entrypoint: Strings,
      Cmd: Strings,
      WorkingDir: z.string().nullish(),
      Volumes: Keys,
      Labels: z.record(z.string(), z.string()).nullish(),
      StopSignal: z.string().nullish(),
      ExposedPorts: Keys,
      Shell: Strings,
      Healthcheck: z.unknown().optional(),
    })
    .nullish(),
  rootfs: z.object({
    diff_ids: z.array(z.string().refine(isDigest, 'a digest must be sha256: and 64 hex digits')).nullish(),
  }),
});

export interface ParsedConfig {
  readonly config: ImageConfig;
  /** Of the layers, lowest first. */
  readonly diffIds: readonly Digest[];
}

/**
 * Parses an image's config (OCI image spec, config.md); fields that are null or missing become empty.
 *
 * @throws HyperError `corrupt`
 */
export function parseImageConfig(bytes: Uint8Array, what: string): ParsedConfig {
  const raw = parseJson(RawConfig, bytes, what);
  const process = raw.config ?? {};
  const config: ImageConfig = {
    user: process.User ?? '',
    env: process.Env ?? [],
    entrypoint: process.Entrypoint ?? [],
    command: process.Cmd ?? [],
    workdir: process.WorkingDir ?? '',
    volumes: Object.keys(process.Volumes ?? {}),
    labels: process.Labels ?? {},
    stopSignal: process.StopSignal || null,
    healthCheck: parseHealthCheck(process.Healthcheck),
    shell: process.Shell ?? [],
    exposedPorts: Object.keys(process.ExposedPorts ?? {}),
    architecture: raw.architecture,
    os: raw.os,
    created: raw.created ?? null,
  };
  return { config, diffIds: raw.rootfs.diff_ids ?? [] };
}

/** @throws HyperError `corrupt` unless the config speaks of as many layers as the manifest */
export function checkLayerCount(diffIds: readonly Digest[], layers: number, what: string): void {
  if (diffIds.length === layers) return;
  throw new HyperError('corrupt', `${what} is broken: it has ${layers} layers, but its config names ${diffIds.length}`);
}

const emptyConfig: ImageConfig = {
  user: '',
  env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
  entrypoint: [],
  command: [],
  workdir: '',
  volumes: [],
  labels: {},
  stopSignal: null,
  healthCheck: null,
  shell: [],
  exposedPorts: [],
  ...platform,
  created: null,
};

/** The config of an image made here. The same input gives the same bytes, so the same id. */
export function formatImageConfig(given: Partial<ImageConfig>, diffIds: readonly Digest[]): Buffer {
  const config = { ...emptyConfig, ...given };
  const keys = (names: readonly string[]): Record<string, object> | undefined =>
    names.length === 0 ? undefined : Object.fromEntries(names.map((name) => [name, {}]));
  const list = (items: readonly string[]): readonly string[] | undefined => (items.length === 0 ? undefined : items);
  const json = {
    architecture: config.architecture,
    config: {
      Cmd: list(config.command),
      Entrypoint: list(config.entrypoint),
      Env: list(config.env),
      ExposedPorts: keys(config.exposedPorts),
      Labels: Object.keys(config.labels).length === 0 ? undefined : config.labels,
      Healthcheck: formatHealthCheck(config.healthCheck),
      Shell: list(config.shell),
      StopSignal: config.stopSignal ?? undefined,
      User: config.user,
      Volumes: keys(config.volumes),
      WorkingDir: config.workdir,
    },
    created: config.created ?? undefined,
    os: config.os,
    rootfs: { type: 'layers', diff_ids: diffIds },
  };
  return Buffer.from(JSON.stringify(json));
}
