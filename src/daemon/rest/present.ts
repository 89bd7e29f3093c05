import type {
  Container,
  Exec as ExecShape,
  Image as ImageShape,
  ImageDetails,
  Mount,
  Network,
  Pod as PodShape,
  Port,
  StartTiming,
  Template,
  Vm,
} from '../../contract/index.ts';
import type {
  Container as EngineContainer,
  ContainerRecord,
  Exec,
  Image,
  NetworkDescription,
  Pod,
  PodRecord,
  PortMapping,
  StartTiming as EngineTiming,
  TemplateDescription,
  VmRecord,
} from '../../engine/index.ts';
import { isReady, networksOf, portsOf } from '../../engine/index.ts';

/** What the engine knows, in the API's shapes. */
export function presentPod({ record, containers }: Pod): PodShape {
  const { id, name, hostname, state, vcpus, memoryMiB, storageMiB, labels, autoRemove } = record;
  const { createdAt, startedAt, finishedAt, reason, warnings, vm } = record;
  const { diskBytesPerSecond, diskIops, sysctls, restartPolicy, maxRestarts, restarts, restarting } = record;
  const runs = hasVm(record);
  const networks = networksOf(record).map((each) =>
    runs ? each : { ...each, address: null, address6: null, mac: null, interface: null },
  );
  const main = networks.find((each) => each.main);
  return {
    ...{ id, name, hostname, state, vcpus, memoryMiB, storageMiB, labels, autoRemove },
    ...{ diskBytesPerSecond, diskIops, sysctls },
    ...{ createdAt, startedAt, finishedAt, reason, warnings },
    ...{ restartPolicy, maxRestarts, restarts, restarting },
    vmId: runs ? (vm?.id ?? null) : null,
    networks,
    network: main?.network ?? null,
    address: main?.address ?? null,
    address6: main?.address6 ?? null,
    mac: main?.mac ?? null,
    egress: record.egress?.map((rule) => ({ ...rule })) ?? null,
    rate: { ...record.rate },
    whiteLists: record.whiteLists && {
      internal: [...record.whiteLists.internal],
      external: [...record.whiteLists.external],
    },
    ports: portsOf(record).map(presentPort),
    services: record.services,
    exitCode: containers[0]?.record.exitCode ?? null,
    containers: containers.map(presentContainer),
  };
}

function hasVm({ state }: PodRecord): boolean {
  return state === 'running' || state === 'pending' || state === 'paused';
}

export function presentPort({ protocol, hostIp, hostPort, hostPortLast, guestPort }: PortMapping): Port {
  return { protocol, hostIp, hostPort, ...(hostPortLast === undefined ? {} : { hostPortLast }), guestPort };
}

export function presentNetwork({ id, network, record }: NetworkDescription, pods: readonly Pod[]): Network {
  const { name, bridge, subnet, gateway, ipv6, internal, egress } = network;
  const { state, reason } = network.status();
  const podOf = (tap: string): string | null =>
    pods.find(({ record: pod }) => pod.endpoints.some((each) => each.tap === tap))?.record.name ?? null;
  return {
    ...{ id, name, bridge, subnet, gateway, internal, state, reason },
    ...{ range: record?.range ?? null, mtu: record?.mtu ?? null, labels: record?.labels ?? {} },
    ipv6: ipv6 && { ...ipv6, range: record?.ipv6?.range ?? null },
    egress: egress?.map((rule) => ({ ...rule })) ?? null,
    createdAt: record?.createdAt ?? null,
    guests: network.guests().map(({ tap, address, ipv6: own, mac, names }) => ({
      ...{ pod: podOf(tap), address, address6: own?.address ?? null, mac, names: [...names] },
    })),
  };
}

export function presentContainer({ record: container, pod, healthLog, execs }: EngineContainer): Container {
  const { id, name, image, imageId, args, env, workdir, user, tty, stdin, readOnly, labels } = container;
  const { startedAt, finishedAt, exitCode, oomKilled, error, restarts, restarting } = container;
  const { cpus, memoryLimitMiB, pidsLimit, shmSizeBytes } = container;
  const { init, waiting, health, probeFailure } = container;
  const mounts = container.mounts.map(presentMount);
  const log = healthLog.entries.map((entry) => ({ ...entry }));
  return {
    ...{ id, name, podId: pod.id, image, imageId, args, env, workdir, user, tty, stdin, readOnly, labels },
    state: container.state === 'running' && pod.state === 'paused' ? 'paused' : container.state,
    ...{ cpus, memoryLimitMiB, pidsLimit, shmSizeBytes, mounts, restarts, restarting },
    files: container.files.map(({ path }) => path),
    ...{ createdAt: pod.createdAt, startedAt, finishedAt, exitCode, oomKilled, error, init, waiting, probeFailure },
    health: health === null ? null : { status: health, failingStreak: healthLog.failingStreak, log },
    ready: pod.state === 'running' && isReady(container),
    execIds: [...execs],
  };
}

function presentMount(mount: ContainerRecord['mounts'][number]): Mount {
  const { type, source, target, readOnly } = mount;
  return { type, name: mount.type === 'volume' ? mount.volume : null, source, target, readOnly };
}

export function presentVm({ record }: Pod): Vm | undefined {
  if (record.vm === null || !hasVm(record)) return undefined;
  const { id, process, accelerator } = record.vm;
  return {
    id,
    podId: record.id,
    state: record.state === 'paused' ? 'paused' : 'associated',
    pid: process.pid,
    accelerator,
  };
}

/** A VM of the pool. */
export function presentIdleVm({ id, process, accelerator }: VmRecord): Vm {
  return { id, podId: null, state: 'idle', pid: process.pid, accelerator };
}

export function presentTemplate({ id, shape, createdAt, bytes }: TemplateDescription): Template {
  return { id, ...shape, createdAt, sizeBytes: bytes };
}

export function presentTiming(timing: EngineTiming | null): StartTiming | null {
  return timing === null ? null : { origin: timing.origin, steps: timing.steps.map((step) => ({ ...step })) };
}

export function presentExec(exec: Exec): ExecShape {
  const { id, podId, containerId, spec, state, exitCode, error } = exec.record;
  return { id, podId, containerId, args: [...spec.args], state, exitCode, error };
}

export function presentImage(image: Image): ImageShape {
  const { id, tags, digests, createdAt, sizeBytes, architecture, os } = image;
  return { id, tags: [...tags], digests: [...digests], createdAt, sizeBytes, architecture, os };
}

export function presentImageDetails(image: Image): ImageDetails {
  const { user, env, entrypoint, command, workdir, volumes, labels, stopSignal, exposedPorts } = image.config;
  const { healthCheck, shell } = image.config;
  return {
    ...presentImage(image),
    config: {
      ...{ user, workdir, stopSignal, env: [...env], entrypoint: [...entrypoint], command: [...command] },
      ...{ volumes: [...volumes], labels: { ...labels }, exposedPorts: [...exposedPorts], shell: [...shell] },
      healthCheck: healthCheck && { ...healthCheck, test: [...healthCheck.test] },
    },
    layers: image.layers.map(({ diffId, sizeBytes }) => ({ diffId, sizeBytes })),
  };
}
