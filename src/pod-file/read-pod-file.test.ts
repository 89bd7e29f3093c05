import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { faultOfSchema } from '../../test/support/schema-judge.ts';
import { readPodFile, type PodFileFormat } from './read-pod-file.ts';

const { signal } = new AbortController();
const read = (file: unknown, format?: PodFileFormat) =>
  readPodFile({ text: typeof file === 'string' ? file : JSON.stringify(file), format }, { signal });
const documentOf = (yaml: string): unknown => parse(yaml.replaceAll(/^---$/gm, ''), { merge: true });
/** Without what is undefined, as it is sent; its schema takes the file too. */
const specOf = async (file: unknown, format?: PodFileFormat): Promise<unknown> => {
  const spec: unknown = JSON.parse(JSON.stringify(await read(file, format)));
  assert.equal(faultOfSchema(typeof file === 'string' ? documentOf(file) : file), undefined);
  return spec;
};
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('a pod file', () => {
  it('needs no more than an image', async () => {
    assert.deepEqual(await specOf({ containers: [{ image: 'busybox' }] }), { containers: [{ image: 'busybox' }] });
  });

  it('says health checks, probes and init containers, which may have files and volumes', async () => {
    const healthCheck = { test: ['CMD', 'true'], intervalSeconds: 5, retries: 2 };
    const probes = { liveness: { httpGet: { port: 80, path: '/' }, periodSeconds: 1 } };
    const init = { name: 'init', image: 'busybox', command: ['true'] };
    const file = {
      tty: true,
      files: [{ name: 'motd', content: 'hello' }],
      volumes: [{ name: 'data' }],
      containers: [{ image: 'nginx', healthCheck, probes }],
      initContainers: [
        { ...init, files: [{ path: '/etc/', filename: 'motd' }], volumes: [{ path: '/data', volume: 'data' }] },
      ],
    };
    assert.deepEqual(await specOf(file), {
      containers: [{ image: 'nginx', tty: true, healthCheck, probes }],
      initContainers: [
        {
          ...init,
          files: [{ path: '/etc/motd', mode: 0o755, content: base64('hello') }],
          mounts: [{ type: 'volume', source: 'data', target: '/data', readOnly: false, ofPod: true }],
        },
      ],
    });
  });

  it('says all of a pod that the first Hyper’s files could say', async () => {
    const file = {
      id: 'web',
      hostname: 'web.example',
      type: 'pod',
      restartPolicy: 'onFailure',
      tty: true,
      labels: { tier: 'front' },
      resource: { vcpu: 2, memory: 512 },
      log: { type: 'json-file', config: {} },
      dns: ['10.0.0.1'],
      dnsOptions: ['ndots:2'],
      dnsSearch: ['example'],
      files: [
        { name: 'motd', encoding: 'raw', content: 'hello' },
        { name: 'key', encoding: 'base64', content: base64('secret') },
      ],
      volumes: [
        { name: 'src', source: '/srv', format: 'vfs' },
        { name: 'shared', source: '', format: '' },
      ],
      interfaces: [{ id: 'a', bridge: 'hyper0', ip: '192.168.123.40/24', mac: '02:42:ac:11:00:02' }],
      portmappings: [
        { containerPort: 80, hostPort: '8080', protocol: 'tcp' },
        { containerPort: '5000-5001', hostPort: '', protocol: 'udp' },
      ],
      services: [
        { serviceIP: '10.254.0.1', servicePort: 80, hosts: [{ hostIP: '10.0.0.2', hostPort: 8080 }] },
        { serviceIP: '10.254.0.1', servicePort: 53, protocol: 'udp' },
      ],
      containers: [
        {
          name: 'server',
          image: 'nginx',
          command: ['-g', 'daemon off;'],
          entrypoint: ['nginx'],
          workdir: '/srv',
          envs: [{ env: 'A', value: '1' }, { env: 'EMPTY' }],
          tty: false,
          readOnly: true,
          user: { name: 'www', group: 'data', additionalGroups: [] },
          volumes: [
            { path: '/srv/', volume: 'src', readOnly: true },
            { path: '/shared', volume: 'shared' },
          ],
          files: [
            { path: '/etc/', filename: 'motd', perm: '0644' },
            { path: '/run/the-key', filename: 'key', perm: '0400', user: 'www', group: '33' },
          ],
          labels: { a: 'b' },
          StopSignal: 'QUIT',
          sysctl: { 'net.core.somaxconn': '1024' },
          ulimits: [{ Name: 'nofile', Hard: 2048, Soft: 1024 }],
        },
        { name: 'log', image: 'busybox', volumes: [{ path: '/in', volume: 'shared' }] },
      ],
    };
    assert.deepEqual(await specOf(file), {
      name: 'web',
      hostname: 'web.example',
      restartPolicy: 'onFailure',
      labels: { tier: 'front' },
      vcpus: 2,
      memoryMiB: 512,
      dns: { servers: ['10.0.0.1'], search: ['example'], options: ['ndots:2'] },
      sysctls: { 'net.core.somaxconn': '1024' },
      networks: [{ network: 'default', address: '192.168.123.40', mac: '02:42:ac:11:00:02' }],
      ports: [
        { protocol: 'tcp', guestPort: 80, hostPort: 8080 },
        { protocol: 'udp', guestPort: 5000, hostPort: 5000 },
        { protocol: 'udp', guestPort: 5001, hostPort: 5001 },
      ],

      services: [
        { address: '10.254.0.1', port: 80, protocol: 'tcp', hosts: [{ address: '10.0.0.2', port: 8080 }] },
        { address: '10.254.0.1', port: 53, protocol: 'udp', hosts: [] },
      ],
      containers: [
        {
          name: 'server',
          image: 'nginx',
          command: ['-g', 'daemon off;'],
          entrypoint: ['nginx'],
          workdir: '/srv',
          env: ['A=1', 'EMPTY='],
          tty: false,
          readOnly: true,
          user: 'www:data',
          mounts: [
            { type: 'bind', source: '/srv', target: '/srv', readOnly: true },
            { type: 'volume', ofPod: true, source: 'shared', target: '/shared', readOnly: false },
          ],
          files: [
            { path: '/etc/motd', content: base64('hello'), mode: 0o644 },
            { path: '/run/the-key', content: base64('secret'), mode: 0o400, user: 'www', group: '33' },
          ],
          labels: { a: 'b' },
          stopSignal: 'QUIT',
          ulimits: [{ name: 'nofile', hard: 2048, soft: 1024 }],
        },
        {
          name: 'log',
          image: 'busybox',
          tty: true,
          mounts: [{ type: 'volume', ofPod: true, source: 'shared', target: '/in', readOnly: false }],
        },
      ],
    });
  });

  it('says what ours can say besides', async () => {
    const file = {
      restartPolicy: 'onFailure',
      maxRestarts: 3,
      resource: { vcpu: 2, memory: 256, storage: 1024 },
      interfaces: [{ network: 'backend' }],
      containers: [{ image: 'a', stdin: true, resource: { cpus: 0.5, memory: 64, pids: 10 } }],
    };
    assert.deepEqual(await specOf(file), {
      restartPolicy: 'onFailure',
      maxRestarts: 3,
      vcpus: 2,
      memoryMiB: 256,
      storageMiB: 1024,
      networks: [{ network: 'backend' }],
      containers: [{ image: 'a', stdin: true, cpus: 0.5, memoryLimitMiB: 64, pidsLimit: 10 }],
    });
  });

  it('of 0.2.1 is read as it was: drivers, ports at the container, its own restart policy', async () => {
    const file = {
      id: 'old-pod',
      tty: true,
      type: 'pod',
      resource: { vcpu: 1, memory: 128 },
      containers: [
        {
          name: 'cc',
          image: 'nginx:latest',
          command: [],
          workdir: '',
          entrypoint: [],
          ports: [
            { hostPort: 8080, containerPort: 80, servicePort: 0, protocol: 'tcp' },
            { hostPort: 0, containerPort: 81 },
          ],
          envs: [],
          volumes: [{ path: '/data', volume: 'data', readOnly: false }],
          files: [],
          restartPolicy: 'always',
        },
      ],
      files: [],
      volumes: [{ name: 'data', source: '/srv/data', driver: 'vfs' }],
    };
    assert.deepEqual(await specOf(file), {
      name: 'old-pod',
      vcpus: 1,
      memoryMiB: 128,
      restartPolicy: 'always',
      ports: [
        { protocol: 'tcp', guestPort: 80, hostPort: 8080 },
        { protocol: 'tcp', guestPort: 81, hostPort: 81 },
      ],
      containers: [
        {
          name: 'cc',
          image: 'nginx:latest',
          tty: true,
          mounts: [{ type: 'bind', source: '/srv/data', target: '/data', readOnly: false }],
        },
      ],
    });
  });

  it('in YAML is the same, also with the first Hyper’s keys in small letters', async () => {
    const yaml = `
# a comment
id: yaml
restartpolicy: always
containers:
  - image: busybox
    command: [sh, -c, "exit 1"]
    readonly: true
    envs:
      - {env: A, value: "1"}
portmappings:
  - containerport: 80
    hostport: 8080
`;
    const spec = {
      name: 'yaml',
      restartPolicy: 'always',
      ports: [{ protocol: 'tcp', guestPort: 80, hostPort: 8080 }],
      containers: [{ image: 'busybox', command: ['sh', '-c', 'exit 1'], readOnly: true, env: ['A=1'] }],
    };
    for (const format of ['yaml', undefined] as const) assert.deepEqual(await specOf(yaml, format), spec);
  });

  it('in YAML may have anchors, and empty documents beside it', async () => {
    const yaml = `---
containers:
  - &base
    image: busybox
    command: [a]
  - <<: *base
    command: [b]
---
`;
    assert.deepEqual(await specOf(yaml), {
      containers: [
        { image: 'busybox', command: ['a'] },
        { image: 'busybox', command: ['b'] },
      ],
    });
  });

  it('that is a Kubernetes manifest is known as one', async () => {
    const manifest = { apiVersion: 'v1', kind: 'Pod', spec: { containers: [{ name: 'cc', image: 'i' }] } };
    for (const format of ['json', 'kubernetes', undefined] as const) {
      assert.match(JSON.stringify(await read(manifest, format)), /"restartPolicy":"always"/);
    }
  });

  it('takes files from where their URIs say, each once', async () => {
    const asked: string[] = [];
    const file = {
      files: [{ name: 'f', uri: 'http://h/f' }],
      containers: [
        { image: 'a', files: [{ path: '/x/', filename: 'f' }] },
        {
          image: 'b',
          files: [
            { path: '/y', filename: 'f' },
            { path: '/z', detail: { uri: 'file:///k', encoding: 'base64' } },
          ],
        },
      ],
    };
    const options = {
      signal,
      read: (uri: string) => {
        asked.push(uri);
        return Promise.resolve(Buffer.from(uri === 'file:///k' ? `${base64('key')}\n` : 'content'));
      },
    };
    const { containers } = await readPodFile({ text: JSON.stringify(file) }, options);
    assert.deepEqual(
      containers.map(({ files = [] }) => files.map(({ path, content, mode }) => [path, content, mode])),
      [
        [['/x/f', base64('content'), 0o755]],
        [
          ['/y', base64('content'), 0o755],
          ['/z', base64('key'), 0o755],
        ],
      ],
    );
    assert.deepEqual(asked, ['http://h/f', 'file:///k']);
  });
});
