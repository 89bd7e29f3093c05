import { HyperError } from '../lib/errors.ts';
import { newContainerId } from '../lib/ids.ts';
import { signalNumber } from '../lib/signals.ts';
import type { Image } from '../image/index.ts';
import type { ContainerRecord, MountRecord } from '../store/index.ts';
import { containerLimits } from './limits.ts';
import { normalTarget } from './mounts.ts';
import { firstContainer } from './supply/index.ts';
import { checkUlimits } from './ulimits.ts';
import type { ContainerSpec } from './pod-spec.ts';

const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What will run: the image's config with what the user asked for laid over it, by Docker's rules. */
export function planContainer(spec: ContainerSpec, image: Image, podName: string, hostname: string): ContainerRecord {
  const { config } = image;
  const entrypoint = spec.entrypoint ?? config.entrypoint;
  // An entrypoint of the user's own drops the image's command: it was meant for the image's entrypoint.
  const command = spec.command ?? (spec.entrypoint === undefined ? config.command : []);
  const args = [...entrypoint, ...command];
  if (args[0] === undefined || args[0] === '') {
    throw new HyperError('bad_request', `no command specified, and ${spec.image} has none: give one after the image`);
  }
  const tty = spec.tty ?? false;
  const inMemory = new Set((spec.tmpfs ?? []).map(({ path }) => normalTarget(path)));
  const fixed = [defaultPath, `HOSTNAME=${hostname}`, ...(tty ? ['TERM=xterm'] : [])];
  return {
    id: newContainerId(),
    name: spec.name ?? podName,
    image: spec.image,
    imageId: image.id,
    args,
    env: mergeEnv(fixed, config.env, spec.env ?? []),
    workdir: spec.workdir ?? (config.workdir === '' ? '/' : config.workdir),
    user: spec.user ?? config.user,
    tty,
    stdin: spec.stdin ?? false,
    stdinOnce: spec.stdinOnce ?? false,
    readOnly: spec.readOnly ?? false,
    tmpfs: [...(spec.tmpfs ?? [])],
    ulimits: checkUlimits(spec.ulimits ?? []),
    ...containerLimits(spec),
    volumes: config.volumes.filter((path) => !inMemory.has(normalTarget(path))),
    mounts: [],
    labels: { ...config.labels, ...spec.labels },
    stopSignal: signalNumber(spec.stopSignal ?? config.stopSignal ?? 'TERM'),
    terminalSize: spec.terminalSize ?? null,
    number: firstContainer,
    state: 'pending',
    startedAt: null,
    finishedAt: null,
    exitCode: null,
    oomKilled: false,
    error: null,
  };
}

/** A planned container with what is to be mounted, which takes the place of the image's own volumes. */
export function withMounts(container: ContainerRecord, mounts: readonly MountRecord[]): ContainerRecord {
  const mountedOver = new Set(mounts.map(({ target }) => target));
  const volumes = container.volumes.filter((path) => !mountedOver.has(normalTarget(path)));
  return { ...container, volumes, mounts: [...mounts] };
}

/** Later lists win; a variable keeps the place where it came first. */
export function mergeEnv(...lists: readonly (readonly string[])[]): string[] {
  const merged = new Map<string, string>();
  for (const entry of lists.flat()) merged.set(entry.split('=', 1)[0] ?? '', entry);
  return [...merged.values()];
}
