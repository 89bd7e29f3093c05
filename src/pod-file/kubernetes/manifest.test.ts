import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readPodFile } from '../read-pod-file.ts';

const { signal } = new AbortController();
const specOf = async (text: string): Promise<unknown> =>
  JSON.parse(JSON.stringify(await readPodFile({ text, format: 'kubernetes' }, { signal })));
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('a Kubernetes manifest', () => {
  it('is a pod that starts its containers again whatever they end with, as in a cluster', async () => {
    const spec = await specOf(
      '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web"},"spec":{"containers":[{"name":"cc","image":"nginx"}]}}',
    );
    assert.deepEqual(spec, {
      name: 'web',
      vcpus: 1,
      memoryMiB: 128,
      restartPolicy: 'always',
      containers: [{ name: 'cc', image: 'nginx' }],
    });
  });

  it('has init containers and probes, whose ports may have names; its VM is as large as either needs', async () => {
    const spec = await specOf(`
apiVersion: v1
kind: Pod
spec:
  restartPolicy: Never
  initContainers:
    - { name: init, image: busybox, command: [sh], resources: { limits: { cpu: 2, memory: 300Mi } } }
  containers:
    - name: web
      image: nginx
      ports: [{ name: http, containerPort: 8080 }]
      startupProbe: { exec: { command: [test, -e, /up] }, failureThreshold: 30 }
      livenessProbe: { httpGet: { port: http, path: healthz, httpHeaders: [{ name: A, value: b }] }, periodSeconds: 5 }
      readinessProbe: { tcpSocket: { port: 8080 }, initialDelaySeconds: 1, timeoutSeconds: 2, successThreshold: 3 }
`);
    assert.deepEqual(spec, {
      vcpus: 2,
      memoryMiB: 364,
      restartPolicy: 'never',
      containers: [
        {
          name: 'web',
          image: 'nginx',
          probes: {
            startup: { exec: { command: ['test', '-e', '/up'] }, failureThreshold: 30 },
            liveness: {
              httpGet: { port: 8080, path: '/healthz', httpHeaders: [{ name: 'A', value: 'b' }] },
              periodSeconds: 5,
            },
            readiness: { tcpSocket: { port: 8080 }, initialDelaySeconds: 1, timeoutSeconds: 2, successThreshold: 3 },
          },
        },
      ],
      initContainers: [{ name: 'init', image: 'busybox', entrypoint: ['sh'], cpus: 2, memoryLimitMiB: 300 }],
    });
  });

  it('says commands, variables, ports, rights, hosts and DNS', async () => {
    const spec = await specOf(`
apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: { app: web }
  annotations: { note: "for people" }
spec:
  restartPolicy: OnFailure
  hostname: www
  hostAliases:
    - { ip: 10.0.0.5, hostnames: [db, cache] }
  dnsPolicy: None
  dnsConfig:
    nameservers: [10.0.0.1]
    searches: [example]
    options: [{ name: ndots, value: "2" }, { name: rotate }]
  securityContext:
    runAsUser: 1000
    runAsGroup: 1000
    runAsNonRoot: true
    sysctls: [{ name: net.core.somaxconn, value: "1024" }]
  containers:
    - name: web
      image: nginx
      command: [serve, $(NAME), $(WHO), $$(NAME)]
      args: [--port, "80"]
      workingDir: /srv
      env:
        - { name: NAME, value: hyper }
        - { name: GREETING, value: "hello $(NAME)" }
      ports:
        - { containerPort: 80, hostPort: 8080, hostIP: 127.0.0.1 }
        - { containerPort: 53, hostPort: 53, protocol: UDP }
        - { containerPort: 9090, name: metrics }
      tty: true
      stdin: true
      securityContext: { runAsUser: 5, readOnlyRootFilesystem: true, allowPrivilegeEscalation: true }
      imagePullPolicy: IfNotPresent
    - { name: two, image: busybox }
`);
    assert.deepEqual(spec, {
      name: 'web',
      labels: { app: 'web' },
      hostname: 'www',
      vcpus: 1,
      memoryMiB: 192,
      restartPolicy: 'onFailure',
      dns: { servers: ['10.0.0.1'], search: ['example'], options: ['ndots:2', 'rotate'] },
      hosts: [
        { name: 'db', address: '10.0.0.5' },
        { name: 'cache', address: '10.0.0.5' },
      ],
      sysctls: { 'net.core.somaxconn': '1024' },
      ports: [
        { protocol: 'tcp', guestPort: 80, hostPort: 8080, hostIp: '127.0.0.1' },
        { protocol: 'udp', guestPort: 53, hostPort: 53 },
      ],
      containers: [
        {
          name: 'web',
          image: 'nginx',
          entrypoint: ['serve', 'hyper', '$(WHO)', '$(NAME)'],
          command: ['--port', '80'],
          workdir: '/srv',
          env: ['NAME=hyper', 'GREETING=hello hyper'],
          user: '5:1000',
          readOnly: true,
          tty: true,
          stdin: true,
        },
        { name: 'two', image: 'busybox', user: '1000:1000' },
      ],
    });
  });

  it('gets a VM in which its containers have what they may use', async () => {
    const spec = await specOf(`
apiVersion: v1
kind: Pod
spec:
  containers:
    - { name: ca, image: i, resources: { limits: { cpu: 1500m, memory: 256Mi } } }
    - { name: cb, image: i, resources: { requests: { cpu: "0.7", memory: 100M } } }
    - { name: cc, image: i }
`);
    const { vcpus, memoryMiB, containers } = spec as {
      vcpus: number;
      memoryMiB: number;
      containers: readonly object[];
    };
    assert.deepEqual([vcpus, memoryMiB], [3, 64 + 256 + 96 + 64]);
    assert.deepEqual(containers[0], { name: 'ca', image: 'i', cpus: 1.5, memoryLimitMiB: 256 });
    assert.deepEqual(containers[1], { name: 'cb', image: 'i' });
  });

  it('has volumes: of the host, of its own, in memory, and of a size', async () => {
    const spec = await specOf(`
apiVersion: v1
kind: Pod
spec:
  volumes:
    - { name: src, hostPath: { path: /srv, type: DirectoryOrCreate } }
    - { name: shared, emptyDir: {} }
    - { name: fast, emptyDir: { medium: Memory, sizeLimit: 8Mi } }
    - { name: big, emptyDir: { sizeLimit: 2Gi } }
    - { name: plain }
  containers:
    - name: cc
      image: i
      volumeMounts:
        - { name: src, mountPath: /src/, readOnly: true, subPath: a/b }
        - { name: shared, mountPath: /shared }
        - { name: fast, mountPath: /fast }
        - { name: big, mountPath: /big }
        - { name: plain, mountPath: /plain }
`);
    const [{ mounts, tmpfs } = {}] = (spec as { containers: readonly Record<string, unknown>[] }).containers;
    const own = { type: 'volume', ofPod: true, readOnly: false, noCopy: true };
    assert.deepEqual(mounts, [
      { type: 'bind', source: '/srv/a/b', target: '/src', readOnly: true, create: true },
      { ...own, source: 'shared', target: '/shared' },
      { ...own, source: 'big', target: '/big', options: { type: 'disk', size: '2048m' } },
      { ...own, source: 'plain', target: '/plain' },
    ]);
    assert.deepEqual(tmpfs, [{ path: '/fast', options: 'mode=0777,size=8388608' }]);
  });

  it('has what it mounts readOnly so: also ConfigMaps, and a folder in memory', async () => {
    const spec = await specOf(`
apiVersion: v1
kind: ConfigMap
metadata: { name: conf }
data: { color: red }
---
apiVersion: v1
kind: Pod
spec:
  volumes:
    - { name: conf, configMap: { name: conf } }
    - { name: fast, emptyDir: { medium: Memory } }
  containers:
    - name: cc
      image: i
      volumeMounts:
        - { name: conf, mountPath: /conf, readOnly: true }
        - { name: conf, mountPath: /color, subPath: color, readOnly: true }
        - { name: fast, mountPath: /fast, readOnly: true }
`);
    const [{ tmpfs, files } = {}] = (spec as { containers: readonly Record<string, unknown>[] }).containers;
    assert.deepEqual(tmpfs, [
      { path: '/conf', options: 'size=2m,mode=0755,ro' },
      { path: '/fast', options: 'mode=0777,ro' },
    ]);
    const color = { mode: 0o644, readOnly: true, content: base64('red') };
    assert.deepEqual(files, [
      { path: '/conf/color', ...color },
      { path: '/color', ...color },
    ]);
  });

  it('has ConfigMaps and Secrets of the same file, as variables and as files', async () => {
    const spec = await specOf(`
apiVersion: v1
kind: ConfigMap
metadata: { name: conf }
data: { color: red, site.conf: "listen 80;" }
binaryData: { logo: ${base64('png')} }
---
apiVersion: v1
kind: Secret
metadata: { name: keys }
type: Opaque
data: { password: ${base64('hidden')} }
stringData: { token: t0 }
---
apiVersion: v1
kind: Pod
spec:
  volumes:
    - { name: conf, configMap: { name: conf, items: [{ key: site.conf, path: sites/a.conf }], defaultMode: 0640 } }
    - { name: keys, secret: { secretName: keys } }
    - { name: none, configMap: { name: absent, optional: true } }
  containers:
    - name: cc
      image: i
      envFrom: [{ prefix: P_, secretRef: { name: keys } }]
      env:
        - { name: COLOR, valueFrom: { configMapKeyRef: { name: conf, key: color } } }
        - { name: ALL, value: $(COLOR) $(P_token) }
        - { name: MISSING, valueFrom: { secretKeyRef: { name: keys, key: nope, optional: true } } }
      volumeMounts:
        - { name: conf, mountPath: /etc/conf }
        - { name: keys, mountPath: /run/password, subPath: password }
        - { name: none, mountPath: /none }
`);
    const { containers } = spec as { containers: readonly Record<string, unknown>[] };
    assert.deepEqual(containers, [
      {
        name: 'cc',
        image: 'i',
        env: ['P_password=hidden', 'P_token=t0', 'COLOR=red', 'ALL=red t0'],
        tmpfs: [
          { path: '/etc/conf', options: 'size=2m,mode=0755' },
          { path: '/none', options: 'size=2m,mode=0755' },
        ],
        files: [
          { path: '/etc/conf/sites/a.conf', mode: 0o640, content: base64('listen 80;') },
          { path: '/run/password', mode: 0o644, content: base64('hidden') },
        ],
      },
    ]);
  });

  it('may be an item of a List, and what a cluster filled in by itself is taken', async () => {
    const text = JSON.stringify({
      apiVersion: 'v1',
      kind: 'List',
      items: [
        {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: 'pp', namespace: 'default', creationTimestamp: null },
          spec: {
            dnsPolicy: 'ClusterFirst',
            schedulerName: 'default-scheduler',
            serviceAccountName: 'default',
            enableServiceLinks: true,
            securityContext: {},
            containers: [
              {
                ...{ name: 'cc', image: 'i', resources: {}, terminationMessagePath: '/dev/termination-log' },
                ...{ terminationMessagePolicy: 'File', imagePullPolicy: 'IfNotPresent' },
              },
            ],
          },
          status: {},
        },
      ],
    });
    assert.match(JSON.stringify(await specOf(text)), /"name":"pp".*"image":"i"/);
  });
});
