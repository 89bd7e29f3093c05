import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { z } from 'zod';
import { Manifest } from '../src/pod-file/kubernetes/manifest-fields.ts';
import { type Namespace, skipUnlessRoot } from './network/namespaces.ts';
import type { Room } from './network/room.ts';
import { NfsServer } from './servers/nfs-server.ts';
import { outputOf, TestHyperd } from './support/hyperd.ts';
import { untilLogged } from './support/logs.ts';
import { hostAndInternet } from './support/network-pods.ts';
import { schemaPaths, usedPaths } from './support/schema-paths.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const sleeps = 'while :; do sleep 1000 & wait $!; done';

/** What has tests of its own: health.test.ts, init-containers.test.ts, services.test.ts, white-lists.test.ts. */
const elsewhere =
  /\b(healthCheck|probes|(startup|liveness|readiness)Probe|initContainers|services|portmappingWhiteLists)\b/;

describe('each field of a pod file', { skip: skipUnlessRoot, timeout: 300_000, concurrency: 1 }, () => {
  let host: Namespace;
  let outside: Namespace;
  let internet: Room;
  let here: Room;
  let nfs: NfsServer;
  let hyperd: TestHyperd;
  before(async () => {
    ({ host, outside, internet, here } = await hostAndInternet());
    await internet.call('serveDns', '203.0.113.2', { 'of.example': '198.51.100.9' });
    nfs = await NfsServer.start(outside);
    writeFileSync(join(nfs.exported, 'served'), 'by a server');
    hyperd = await TestHyperd.start({}, process.env, { host });
  });
  after(async () => {
    for (const thing of [hyperd, nfs, here, internet, outside, host]) await thing[Symbol.asyncDispose]();
  });

  const hyper = (...args: string[]): Promise<string> => outputOf(hyperd, args);
  const lines = async (container: string, ...commands: string[]): Promise<string[]> =>
    (await hyper('exec', container, 'sh', '-c', commands.join('; '))).split('\n').slice(0, -1);
  const hasAll = (schema: unknown, file: unknown): void => {
    const used = usedPaths(file);
    const missing = schemaPaths(schema as object).filter((path) => !used.includes(path) && !elsewhere.test(path));
    assert.deepEqual(missing, [], 'fields that the file does not have');
  };
  /** @param documents in JSON, which is YAML too */
  const start = async (option: '-p' | '-k', ...documents: object[]): Promise<void> => {
    const path = join(hyperd.folder, 'file.yaml');
    writeFileSync(path, documents.map((document) => `---\n${JSON.stringify(document)}\n`).join(''));
    await hyper('run', option, path);
  };

  it('of Hyper has an effect', async () => {
    const page = 'HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\nfrom the web';
    await internet.call('serve', '203.0.113.2', 8088, page);
    await hyper('network', 'create', '--subnet', '10.77.0.0/24', 'custom');
    writeFileSync(join(hyperd.folder, 'file'), base64('by file uri'));
    const folder = join(hyperd.folder, 'folder');
    mkdirSync(folder);
    writeFileSync(join(folder, 'ours'), 'of the host');
    const script = `trap 'echo told to end; exit 0' USR1; echo ready; nc -ll -p 8081 -e echo served & ${sleeps}`;
    const file = {
      $schema: './pod.schema.json',
      id: 'everything',
      hostname: 'host-of-all',
      type: 'pod',
      restartPolicy: 'onFailure',
      maxRestarts: 2,
      tty: true,
      labels: { of: 'the pod' },
      resource: { vcpu: 2, memory: 160, storage: 256 },
      log: { type: 'json-file' },
      dns: ['203.0.113.2'],
      dnsSearch: ['example'],
      dnsOptions: ['ndots:3'],
      files: [
        { name: 'encoded', encoding: 'base64', content: base64('from base64') },
        { name: 'named', encoding: 'base64', uri: `file://${hyperd.folder}/file` },
      ],
      volumes: [
        { name: 'disk', format: 'raw', size: '64m', fstype: 'ext4', cache: 'writeback' },
        { name: 'of-host', source: folder, driver: 'vfs' },
        { name: 'remote', source: '203.0.113.2:/export', format: 'nas' },
      ],
      interfaces: [
        { id: 'first', network: 'custom', ip: '10.77.0.9/24', mac: '02:00:00:00:77:09' },
        { id: 'second', bridge: 'hyper0' },
      ],
      portmappings: [{ containerPort: '8000-8001', hostPort: '9000-9001', protocol: 'udp' }],
      containers: [
        {
          name: 'main',
          image: 'busybox',
          entrypoint: ['sh', '-c'],
          command: [script],
          workdir: '/tmp',
          envs: [{ env: 'GREETING', value: 'of = the file' }],
          tty: false,
          readOnly: true,
          user: { name: '1000', group: '1001' },
          volumes: [
            { path: '/disk', volume: 'disk' },
            { path: '/host', volume: 'of-host', readOnly: true },
            { path: '/remote', volume: 'remote' },
            {
              path: '/own',
              detail: {
                name: 'own',
                format: 'qcow2',
                driver: 'qcow2',
                size: '48m',
                fstype: 'ext4',
                cache: 'writeback',
              },
            },
            { path: '/kept', detail: { source: 'kept', format: 'volume' } },
          ],
          files: [
            { path: '/etc/', filename: 'encoded', perm: '0640', user: '1000', group: '34' },
            { path: '/etc/by-uri', filename: 'named' },
            { path: '/etc/inline', detail: { name: 'inline', encoding: 'raw', content: 'inline' } },
            { path: '/etc/web', detail: { uri: 'http://203.0.113.2:8088/file' } },
          ],
          ports: [{ containerPort: 8081, hostPort: 8080, protocol: 'tcp' }],
          labels: { of: 'the container' },
          stopSignal: 'USR1',
          sysctl: { 'net.core.somaxconn': '1234' },
          ulimits: [{ name: 'nofile', soft: 100, hard: 200 }],
          resource: { cpus: 0.5, memory: 32, pids: 20 },
          restartPolicy: 'onFailure',
        },
        {
          name: 'side',
          image: 'busybox',
          stdin: true,
          tty: false,
          command: ['sh', '-c', 'echo ready; read line; echo "got $line"; exit 3'],
        },
        { name: 'screen', image: 'busybox', command: ['sh', '-c', `tty; ${sleeps}`] },
      ],
    };
    hasAll(JSON.parse(await hyper('pod', 'schema')), file);
    await start('-p', file);
    await untilLogged(hyperd, 'main', 'ready');

    assert.deepEqual(
      await lines(
        'main',
        'hostname; tr "\\0" " " </proc/1/cmdline | cut -c 1-10; pwd; echo "$GREETING"; id -u; id -g',
        'touch /x 2>/dev/null || echo no writing; grep -c ^processor /proc/cpuinfo; ulimit -n; ulimit -Hn',
        'cat /proc/sys/net/core/somaxconn /sys/fs/cgroup/cpu.max /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max',
      ),
      [
        ...['host-of-all', 'sh -c trap', '/tmp', 'of = the file', '1000', '1001'],
        ...['no writing', '2', '100', '200', '1234', '50000 100000', `${32 << 20}`, '20'],
      ],
    );
    assert.deepEqual(await lines('main', 'for f in encoded by-uri inline web; do cat /etc/$f; echo; done'), [
      ...['from base64', 'by file uri', 'inline', 'from the web'],
    ]);
    assert.deepEqual(await lines('screen', 'cat /etc/encoded 2>/dev/null || echo none'), ['none']);
    assert.deepEqual(await lines('main', 'stat -c "%a %u %g" /etc/encoded /etc/by-uri'), ['640 1000 34', '755 0 0']);
    const mounts = 'grep -E "^[^ ]+ /(disk|own|host|kept) " /proc/mounts | cut -d " " -f 2,3 | sort';
    assert.deepEqual(await lines('main', mounts), ['/disk ext4', '/host virtiofs', '/kept virtiofs', '/own ext4']);
    const [disk = 0, own = 0, all = 0] = (
      await hyper('exec', 'main', 'sh', '-c', "df -m /disk /own / | awk 'NR > 1 { print $2 }'")
    )
      .split('\n')
      .map(Number);
    assert.ok(disk > 48 && disk <= 64 && own > 32 && own <= 48 && all > 192 && all <= 256, `${disk} ${own} ${all}`);
    assert.deepEqual(
      await lines(
        'main',
        'cat /host/ours; echo; cat /remote/served; echo; touch /host/x 2>/dev/null || echo read-only',
      ),
      ['of the host', 'by a server', 'read-only'],
    );
    assert.deepEqual(
      (await hyperd.client.volumeList()).map(({ name }) => name).filter((name) => name === 'kept'),
      ['kept'],
    );

    assert.deepEqual(
      await lines('main', 'grep -E "^(search|options)" /etc/resolv.conf; cat /sys/class/net/eth0/address'),
      ['search example', 'options ndots:3', '02:00:00:00:77:09'],
    );
    const addresses = await lines('main', "ip -o -4 addr | awk '{ print $2, $4 }' | grep -v ^lo");
    assert.deepEqual([addresses[0], addresses.length], ['eth0 10.77.0.9/24', 2]);
    assert.match(addresses[1] ?? '', /^eth1 192\.168\.123\./);
    assert.match((await lines('main', 'nslookup -type=a of')).join(' '), /198\.51\.100\.9/);
    assert.equal(await here.call('ask', '127.0.0.1', 8080), 'served\n');
    const { ports, labels, containers } = await hyperd.client.podInspect('everything');
    const udp = ports.filter(({ protocol }) => protocol === 'udp').map((each) => [each.hostPort, each.guestPort]);
    assert.deepEqual(udp, [
      [9000, 8000],
      [9001, 8001],
    ]);
    assert.deepEqual([labels, containers[0]?.labels], [{ of: 'the pod' }, { of: 'the container' }]);
    assert.equal(await hyper('logs', 'screen'), '/dev/pts/0\r\n');

    for (let time = 1; time <= 3; time++) {
      await untilLogged(hyperd, 'side', 'ready', time);
      assert.match((await hyperd.hyper(['attach', 'side'], { input: `word ${time}\n` })).stdout, /^got word \d$/m);
    }
    assert.equal((await hyperd.client.podWait('side')).exitCode, 3);
    const side = await hyperd.client.containerInspect('side');
    assert.deepEqual([side.restarts, side.state], [2, 'failed']);
    await hyper('stop', 'main', '-c');
    assert.equal(await hyper('logs', 'main'), 'ready\ntold to end\n');
    await hyper('rm', '-f', 'everything');
    assert.deepEqual(
      (await hyperd.client.volumeList()).map(({ name }) => name),
      ['kept'],
    );
  });

  it('of Kubernetes has an effect', async () => {
    const folder = join(hyperd.folder, 'of-host');
    mkdirSync(join(folder, 'below'), { recursive: true });
    writeFileSync(join(folder, 'below/ours'), 'of the host');
    const config = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'config' },
      data: { color: 'red', size: 'large' },
    };
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'secret' },
      data: { word: base64('hidden') },
    };
    const manifest = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'manifest', labels: { of: 'the manifest' }, annotations: { any: 'thing' } },
      spec: {
        restartPolicy: 'Never',
        hostname: 'host-of-it',
        hostAliases: [{ ip: '10.9.9.9', hostnames: ['db', 'cache'] }],
        dnsPolicy: 'None',
        dnsConfig: { nameservers: ['203.0.113.2'], searches: ['example'], options: [{ name: 'ndots', value: '4' }] },
        os: { name: 'linux' },
        securityContext: {
          ...{ runAsUser: 1000, runAsGroup: 1001, runAsNonRoot: true },
          sysctls: [{ name: 'net.core.somaxconn', value: '1234' }],
        },
        volumes: [
          { name: 'of-host', hostPath: { path: folder, type: 'Directory' } },
          { name: 'remote', nfs: { server: '203.0.113.2', path: '/export', readOnly: true } },
          { name: 'fast', emptyDir: { medium: 'Memory', sizeLimit: '8Mi' } },
          { name: 'still', emptyDir: { medium: 'Memory' } },
          {
            name: 'config',
            configMap: {
              ...{ name: 'config', defaultMode: 0o444, optional: true },
              items: [
                { key: 'color', path: 'in/color', mode: 0o404 },
                { key: 'size', path: 'size' },
              ],
            },
          },
          {
            name: 'secret',
            secret: {
              ...{ secretName: 'secret', defaultMode: 0o444, optional: false },
              items: [{ key: 'word', path: 'word', mode: 0o414 }],
            },
          },
        ],
        containers: [
          {
            name: 'k-main',
            image: 'busybox',
            command: ['sh', '-c'],
            args: [`echo ready; nc -ll -p 8081 -e echo served & ${sleeps}`],
            workingDir: '/tmp',
            env: [
              { name: 'PLAIN', value: 'plain' },
              { name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'config', key: 'color', optional: false } } },
              { name: 'WORD', valueFrom: { secretKeyRef: { name: 'secret', key: 'word', optional: false } } },
            ],
            envFrom: [
              { prefix: 'C_', configMapRef: { name: 'config', optional: false } },
              { prefix: 'S_', secretRef: { name: 'secret', optional: false } },
            ],
            volumeMounts: [
              { name: 'of-host', mountPath: '/host', subPath: 'below', readOnly: true },
              { name: 'remote', mountPath: '/remote' },
              { name: 'fast', mountPath: '/fast' },
              { name: 'config', mountPath: '/config' },
              { name: 'secret', mountPath: '/secret' },
              { name: 'config', mountPath: '/fixed', readOnly: true },
              { name: 'still', mountPath: '/fixed/still', readOnly: true },
              { name: 'secret', mountPath: '/one', subPath: 'word', readOnly: true },
            ],
            ports: [{ name: 'web', containerPort: 8081, hostPort: 8081, hostIP: '127.0.0.1', protocol: 'TCP' }],
            resources: { limits: { cpu: '500m', memory: '32Mi' }, requests: { cpu: '250m', memory: '16Mi' } },
            securityContext: {
              ...{ runAsUser: 7, runAsGroup: 8, runAsNonRoot: true },
              ...{ readOnlyRootFilesystem: true, allowPrivilegeEscalation: true },
            },
          },
          { name: 'k-screen', image: 'busybox', tty: true, command: ['sh', '-c', `tty; id -u; ${sleeps}`] },
          { name: 'k-reader', image: 'busybox', stdin: true, stdinOnce: true, command: ['cat'] },
        ],
      },
    };
    hasAll(z.toJSONSchema(Manifest, { unrepresentable: 'any' }), manifest);
    await start('-k', config, secret, manifest);
    await untilLogged(hyperd, 'k-main', 'ready');

    assert.deepEqual(
      await lines(
        'k-main',
        'hostname; pwd; id -u; id -g; echo $PLAIN $COLOR $WORD $C_color $C_size $S_word; touch /x 2>/dev/null || echo no',
        'cat /proc/sys/net/core/somaxconn /sys/fs/cgroup/cpu.max /sys/fs/cgroup/memory.max; grep -w db /etc/hosts',
        'grep -E "^(search|options)" /etc/resolv.conf',
      ),
      [
        ...['host-of-it', '/tmp', '7', '8', 'plain red hidden red large hidden', 'no'],
        ...['1234', '50000 100000', `${32 << 20}`, '10.9.9.9\tdb', 'search example', 'options ndots:4'],
      ],
    );
    assert.deepEqual(
      await lines(
        'k-main',
        'cat /host/ours; echo; cat /remote/served; echo; cat /config/in/color /config/size /secret/word; echo',
        'stat -L -c %a /config/in/color /config/size /secret/word; touch /host/x 2>/dev/null || echo no',
        'touch /remote/x 2>/dev/null || echo no; df -m /fast | awk "NR > 1 { print \\$1, \\$2 }"',
      ),
      ['of the host', 'by a server', 'redlargehidden', '404', '444', '414', 'no', 'no', 'tmpfs 8'],
    );
    const asRoot = [
      'for path in /config/size /fast/x /fixed/size /fixed/x /fixed/still/x /one; do',
      '(echo by root >$path) 2>/dev/null && echo written $path',
      'done; mount -o remount,rw /fixed 2>/dev/null && echo remounted',
      'cat /config/size /fixed/in/color /fixed/size /one',
    ].join('\n');
    assert.equal(
      await hyper('exec', '--user', '0', 'k-main', 'sh', '-c', asRoot),
      'written /config/size\nwritten /fast/x\nby root\nredlargehidden',
    );
    assert.match((await lines('k-main', 'nslookup -type=a of')).join(' '), /198\.51\.100\.9/);
    assert.equal(await here.call('ask', '127.0.0.1', 8081), 'served\n');
    assert.equal(await here.call('ask', '203.0.113.1', 8081), 'ECONNREFUSED');
    assert.deepEqual((await hyperd.client.podInspect('manifest')).labels, { of: 'the manifest' });
    assert.equal(await hyper('logs', 'k-screen'), '/dev/pts/0\r\n1000\r\n');

    const [program, args, env] = hyperd.command(['attach', 'k-reader']);
    const attached = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    attached.stdin.write('read\n');
    assert.equal(String(await once(attached.stdout, 'data')), 'read\n');
    attached.kill('SIGKILL');
    assert.equal((await hyperd.client.podWait('k-reader')).exitCode, 0); // its input has ended
    await hyper('rm', '-f', 'manifest');
  });
});
