import { HyperError } from '../lib/errors.ts';
import { newContainerId } from '../lib/ids.ts';
import { signalNumber } from '../lib/signals.ts';
import type { Image } from '../image/index.ts';
import type { ContainerRecord, FileRecord, MountRecord, PodRecord } from '../store/index.ts';
import { planHealth } from './health-plan.ts';
import { containerLimits } from './limits.ts';
import { normalTarget } from './mounts.ts';
import { firstContainer } from './supply/index.ts';
import { checkUlimits } from './ulimits.ts';
import type { ContainerSpec, FileSpec } from './pod-spec.ts';

const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The containers of a new pod, of as many images; init containers come last. A name that is not given is the pod's, or
 * begins with it.
 *
 * @param initFrom the index of the first init container
 */
export function planContainers(
  specs: readonly ContainerSpec[],
  images: readonly Image[],
  pod: Pick<ContainerPlace, 'name' | 'hostname'>,
  initFrom = specs.length,
): ContainerRecord[] {
  const taken = new Set<string>();
  return specs.flatMap((spec, at) => {
    const image = images[at];
    if (image === undefined) return [];
    const alone = initFrom === 1 && at === 0;
    const name = spec.name ?? (alone ? pod.name : containerName(shortName(image, spec.image), pod.name, taken));
    if (taken.has(name)) throw new HyperError('bad_request', `two containers are called ${name}: name each otherwise`);
    taken.add(name);
    const number = firstContainer + at;
    return planContainer(spec, image, { name, hostname: pod.hostname, number, process: number, init: at >= initFrom });
  });
}

/** A further container of a pod. */
export function planFurther(
  spec: ContainerSpec,
  image: Image,
  { name: podName, hostname, containers, nextContainer }: PodRecord,
): ContainerRecord {
  const taken = new Set(containers.map((each) => each.name));
  const name = spec.name ?? containerName(shortName(image, spec.image), podName, taken);
  if (taken.has(name))
    throw new HyperError('conflict', `pod ${podName} has a container ${name} already: choose another name`);
  const number = Math.max(nextContainer, ...containers.map((each) => each.number + 1));
  return planContainer(spec, image, { name, hostname, number, process: 0 });
}

function containerName(image: string, pod: string, taken: ReadonlySet<string>): string {
  const base = `${pod}-${image}`;
  if (!taken.has(base)) return base;
  let number = 2;
  while (taken.has(`${base}-${number}`)) number++;
  return `${base}-${number}`;
}

/** `ubuntu` of `docker.io/library/ubuntu:24.04`, fit for a host name. */
export function shortName(image: Image, asked: string): string {
  const last =
    (image.tags[0] ?? asked)
      .replace(/[@:][^/]*$/, '')
      .split('/')
      .at(-1) ?? '';
  return /^[a-z0-9]/.test(last) ? last.toLowerCase() : 'pod';
}

/** Whose container it is, and which of its. */
export interface ContainerPlace {
  readonly name: string;
  readonly hostname: string;
  /** In the guest, from `firstContainer`. */
  readonly number: number;
  /** Of its first process in the guest; 0: not known before it starts. */
  readonly process: number;
  /** It is an init container, whose health nobody asks for. */
  readonly init?: boolean;
}

/** What all of a container's files may have together: they lie in the guest's memory. */
const mostFileBytes = 2 << 20;

/** What will run: the image's config with what the user asked for laid over it, by Docker's rules. */
export function planContainer(
  spec: ContainerSpec,
  image: Image,
  { name, hostname, number, process, init = false }: ContainerPlace,
): ContainerRecord {
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
    name,
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
    files: planFiles(spec.files ?? []),
    labels: { ...config.labels, ...spec.labels },
    stopSignal: signalNumber(spec.stopSignal ?? config.stopSignal ?? 'TERM'),
    terminalSize: spec.terminalSize ?? null,
    number,
    process,
    restarts: 0,
    restarting: false,
    stopping: null,
    state: 'pending',
    startedAt: null,
    finishedAt: null,
    exitCode: null,
    oomKilled: false,
    error: null,
    ...planHealth(spec, init ? { healthCheck: null, shell: [] } : config),
    ...{ health: null, passed: { startup: false, readiness: false }, probeFailure: null },
    ...{ init, waiting: false },
  };
}

function planFiles(files: readonly FileSpec[]): FileRecord[] {
  const planned = files.map(({ path, content, mode = 0o644, user = '', group = '', readOnly = false }) => ({
    ...{ path: normalTarget(path), content, mode, readOnly },
    user: `${user === '' ? '0' : user}${group === '' ? '' : `:${group}`}`,
  }));
  const bytes = planned.reduce((sum, { content }) => sum + Buffer.byteLength(content, 'base64'), 0);
  if (bytes > mostFileBytes) {
    throw new HyperError(
      'bad_request',
      `the files of a container are ${bytes} bytes, and may be ${mostFileBytes} together: mount a folder in their place`,
    );
  }
  const twice = planned.find(({ path }, at) => planned.findIndex((other) => other.path === path) !== at);
  if (twice !== undefined) throw new HyperError('bad_request', `two files are to be at ${twice.path}`);
  return planned;
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
