import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { skipUnlessRoot } from './network/namespaces.ts';
import { type Finished, runProgram, TestHyperd } from './support/hyperd.ts';
import { until } from './support/refusal.ts';

describe('a pod of a file', { skip: skipUnlessRoot, timeout: 300_000 }, () => {
  let hyperd: TestHyperd;
  before(async () => {
    hyperd = await TestHyperd.start();
  });
  after(async () => await hyperd[Symbol.asyncDispose]());

  const saved = (name: string, text: string): string => {
    const file = join(hyperd.folder, name);
    writeFileSync(file, text);
    return file;
  };
  const attach = (...args: string[]): Promise<Finished> => hyperd.hyper(['run', '-a', '--rm', ...args]);

  it('in JSON runs with its variables, user, folder of the host, hostname, sysctl, limits and size', async () => {
    const source = join(hyperd.folder, 'shared');
    mkdirSync(source);
    writeFileSync(join(source, 'greeting'), 'hello from the host\n');
    const script = [
      'echo $GREETING; id -u; id -g; pwd; hostname; cat /in/greeting; touch /in/x 2>/dev/null || echo read-only',
      'touch /x 2>/dev/null || echo no writing; ulimit -n; cat /proc/sys/net/core/somaxconn; grep -c ^processor /proc/cpuinfo',
      'cat /proc/net/route | wc -l; grep "search\\|nameserver" /etc/resolv.conf | head -1',
    ];
    const file = {
      id: 'from-json',
      hostname: 'host-of-json',
      resource: { vcpu: 2, memory: 160 },
      dnsSearch: ['example.test'],
      volumes: [{ name: 'shared', source, format: 'vfs' }],
      containers: [
        {
          image: 'busybox',
          command: ['sh', '-c', script.join('; ')],
          workdir: '/tmp',
          envs: [{ env: 'GREETING', value: 'of = the file' }],
          user: { name: '1000', group: '1001' },
          readOnly: true,
          volumes: [{ path: '/in', volume: 'shared', readOnly: true }],
          ulimits: [{ Name: 'nofile', Soft: 100, Hard: 200 }],
          sysctl: { 'net.core.somaxconn': '1234' },
        },
      ],
    };
    const { code, stdout, stderr } = await attach('-p', saved('pod.json', JSON.stringify(file)));
    assert.equal(code, 0, stderr);
    const lines = stdout.trimEnd().split('\n');
    assert.deepEqual(lines.slice(0, 10), [
      ...['of = the file', '1000', '1001', '/tmp', 'host-of-json', 'hello from the host', 'read-only', 'no writing'],
      ...['100', '1234'],
    ]);
    assert.equal(lines[10], '2');
    assert.equal(lines.at(-1), 'search example.test');
    assert.match(stderr, /^POD id is pod-\w{10}$/m);
  });

  it('in YAML is left running, with its port published, and its exit is seen', async () => {
    const file = saved(
      'pod.yaml',
      `
id: from-yaml
labels: { made: by-hand }
portmappings:
  - { containerPort: 80, hostPort: 8080 }
containers:
  - image: busybox
    command: [sh, -c, 'echo served >/tmp/index.html; exec httpd -f -p 80 -h /tmp']
`,
    );
    const run = await hyperd.hyper(['run', '-p', file]);
    assert.equal(run.code, 0, run.stderr);
    assert.match(run.stdout, /^POD id is pod-\w{10}\n$/);
    assert.match(run.stderr, /^Time to run a POD is \d+ ms$/m);
    const { state, labels, ports } = await hyperd.client.podInspect('from-yaml');
    assert.deepEqual([state, labels['made']], ['running', 'by-hand']);
    assert.deepEqual(ports, [{ protocol: 'tcp', hostIp: '0.0.0.0', hostPort: 8080, guestPort: 80 }]);
    const address = 'http://127.0.0.1:8080/index.html'; // in the network namespace of this hyperd, which is its host
    const wget = ['netns', 'exec', hyperd.namespace, 'busybox', 'wget', '-qO-', address];
    await until(async () => (await runProgram('ip', wget, process.env)).stdout === 'served\n');
    assert.equal((await hyperd.hyper(['rm', '-f', 'from-yaml'])).code, 0);
  });

  it('has several containers, with files, a volume that they share, policies and limits of their own', async () => {
    const file = saved(
      'several.yaml',
      `
id: several
restartPolicy: onFailure
files:
  - { name: greeting, content: "hello\\n" }
volumes:
  - { name: shared }
containers:
  - name: reader
    image: busybox
    command: [sh, -c, 'until [ -s /in/text ]; do usleep 10000; done; cat /in/text /etc/greeting; stat -c "%a %u" /etc/greeting']
    volumes: [{ path: /in, volume: shared, readOnly: true }]
    files: [{ path: /etc/, filename: greeting, perm: "0640", user: "12" }]
  - name: writer
    image: busybox
    command: [sh, -c, '[ -e /out/tried ] || { touch /out/tried; exit 3; }; echo "again, in $(cat /sys/fs/cgroup/memory.max)" > /out/text']
    volumes: [{ path: /out, volume: shared }]
    resource: { memory: 32 }
`,
    );
    const { code, stdout, stderr } = await attach('-p', file);
    assert.equal(code, 125, 'a pod that removes itself is not started again');
    assert.match(stderr, /cannot be started again: drop one/);
    const kept = await hyperd.hyper(['run', '-a', '-p', file]);
    assert.deepEqual([kept.code, kept.stdout], [0, 'again, in 33554432\nhello\n640 12\n'], `${stdout}${kept.stderr}`);
    const { containers } = await hyperd.client.podInspect('several');
    assert.deepEqual(
      containers.map(({ name, exitCode, restarts }) => `${name} ${exitCode} ${restarts}`),
      ['reader 0 0', 'writer 0 1'],
    );
    assert.equal((await hyperd.hyper(['rm', 'several'])).code, 0);
    assert.deepEqual(await hyperd.client.volumeList(), []);
  });

  it('of Kubernetes runs with its variables, arguments, user, folder in memory and exit code', async () => {
    const manifest = `
apiVersion: v1
kind: ConfigMap
metadata: { name: colors }
data: { main: red }
---
apiVersion: v1
kind: Pod
metadata: { name: from-kubernetes }
spec:
  restartPolicy: Never
  volumes: [{ name: fast, emptyDir: { medium: Memory, sizeLimit: 8Mi } }]
  containers:
    - name: only
      image: busybox
      command: [sh, -c]
      args: ['echo $(COLOR) $COLOR; id -u; mount | grep -o "on /fast type tmpfs"; exit 9']
      env: [{ name: COLOR, valueFrom: { configMapKeyRef: { name: colors, key: main } } }]
      volumeMounts: [{ name: fast, mountPath: /fast }]
      securityContext: { runAsUser: 7 }
      resources: { limits: { cpu: 500m } }
`;
    const { code, stdout, stderr } = await attach('-k', saved('manifest.yaml', manifest));
    assert.deepEqual([code, stdout], [9, 'red red\n7\non /fast type tmpfs\n'], stderr);
  });

  it('that is wrong makes nothing', async () => {
    const before = await hyperd.client.podList();
    const run = await hyperd.hyper(['run', '-p', saved('wrong.json', '{"containers":[{"image":"busybox","cmd":[]}]}')]);
    assert.equal(run.code, 125);
    assert.match(run.stderr, /^hyper: .*wrong\.json: containers\[0\]\.cmd: unknown key/);
    const large = JSON.stringify({ labels: { l: 'x'.repeat(1_200_000) }, containers: [{ image: 'busybox' }] });
    const refused = await hyperd.hyper(['create', '-p', saved('large.json', large)]);
    assert.match(refused.stderr, /large\.json: text: a pod file may have at most 1 MiB: give large files by a uri\n$/);
    assert.deepEqual(await hyperd.client.podList(), before);
  });

  it('has a schema, which is hyperd’s', async () => {
    const { code, stdout } = await hyperd.hyper(['pod', 'schema']);
    assert.equal(code, 0);
    const schema = JSON.parse(stdout) as { readonly title?: string };
    assert.equal(schema.title, 'A pod file of Hyper');
  });
});
