import type { Container, Pod, Vm } from '../../contract/index.ts';
import { showAge } from './units.ts';

/** What `--format` can name, in docker's spelling where docker has the field. An empty text stands for "none". */
export function podRow(pod: Pod) {
  const [container] = pod.containers;
  return {
    ID: pod.id,
    Name: pod.name,
    Names: pod.name,
    VM: pod.vmId ?? '',
    Status: waitsForRestart(pod.containers) ?? withHealth(pod.state, pod.containers),
    State: pod.state,
    Image: container?.image ?? '',
    Command: (container?.args ?? []).join(' '),
    ExitCode: pod.exitCode,
    Reason: pod.reason ?? '',
    Hostname: pod.hostname,
    Address: pod.address ?? '',
    Address6: pod.address6 ?? '',
    Addresses: pod.networks.flatMap(({ address, address6 }) => [address ?? [], address6 ?? []].flat()).join(', '),
    Networks: pod.networks.map(({ network }) => network).join(', '),
    CPU: pod.vcpus,
    Memory: pod.memoryMiB,
    Containers: pod.containers.map(({ id }) => id),
    CreatedAt: pod.createdAt,
    StartedAt: pod.startedAt ?? '',
    FinishedAt: pod.finishedAt ?? '',
    Labels: pod.labels,
  };
}

/** As docker's `Restarting (1) 5 seconds ago`, where nothing runs and something waits for its next start. */
function waitsForRestart(containers: readonly Container[]): string | undefined {
  if (containers.some(({ state }) => state === 'running' || state === 'paused')) return undefined;
  const waiting = containers.find(({ restarting }) => restarting);
  if (waiting === undefined) return undefined;
  return `Restarting (${waiting.exitCode ?? ''}) ${showAge(waiting.finishedAt, Date.now())}`;
}

/** As docker's `Up 5 minutes (healthy)`; of several containers what is least well. */
function withHealth(state: Pod['state'], containers: readonly Container[]): string {
  if (state !== 'running') return state;
  const said = containers.flatMap((each) => (each.state === 'running' ? (each.health?.status ?? []) : []));
  const worst = (['unhealthy', 'starting', 'healthy'] as const).find((status) => said.includes(status));
  if (worst === undefined) return state;
  return `${state} (${worst === 'starting' ? 'health: starting' : worst})`;
}

export function containerRow(container: Container) {
  return {
    ID: container.id,
    Name: container.name,
    Names: container.name,
    Pod: container.podId,
    Status: waitsForRestart([container]) ?? withHealth(container.state, [container]),
    State: container.state,
    Init: container.init,
    Ready: container.ready,
    Image: container.image,
    ImageID: container.imageId,
    Command: container.args.join(' '),
    ExitCode: container.exitCode,
    CreatedAt: container.createdAt,
    StartedAt: container.startedAt ?? '',
    FinishedAt: container.finishedAt ?? '',
    Labels: container.labels,
  };
}

export function vmRow(vm: Vm) {
  return {
    ID: vm.id,
    Name: vm.id,
    Pod: vm.podId ?? '',
    Status: vm.state,
    State: vm.state,
    PID: vm.pid,
    Accelerator: vm.accelerator,
  };
}
