import type { Pod, PodSpec } from '../../src/contract/index.ts';

/** The record that hyperd would answer with. */
export function fakePod(id: string, spec: PodSpec, state: Pod['state']): Pod {
  const [container] = spec.containers;
  const running = state === 'running';
  const common = {
    id,
    labels: {},
    createdAt: '2026-01-01T00:00:00Z',
    startedAt: null,
    finishedAt: null,
    exitCode: null,
  };
  return {
    ...common,
    name: spec.name ?? 'busybox-0123456789',
    hostname: 'busybox',
    state,
    vmId: running ? 'vm-ABCDEFGHIJ' : null,
    vcpus: 1,
    memoryMiB: 128,
    storageMiB: 10240,
    networks: [],
    network: 'hyper0',
    diskBytesPerSecond: null,
    diskIops: null,
    sysctls: {},
    address: running ? '192.168.123.2' : null,
    address6: null,
    mac: null,
    egress: null,
    rate: {},
    ports: [],
    autoRemove: false,
    reason: null,
    warnings: [],
    containers: [
      {
        ...common,
        id: '0'.repeat(64),
        podId: id,
        name: 'busybox',
        image: container?.image ?? '',
        imageId: '',
        state,
        args: container?.command ?? [],
        env: [],
        workdir: '/',
        user: '',
        tty: container?.tty === true,
        stdin: container?.stdin === true,
        readOnly: false,
        cpus: null,
        pidsLimit: null,
        shmSizeBytes: 64 << 20,
        mounts: [],
        oomKilled: false,
        error: null,
      },
    ],
  };
}
