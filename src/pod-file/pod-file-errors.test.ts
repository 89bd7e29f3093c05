import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { faultOfSchema } from '../../test/support/schema-judge.ts';
import type { ErrorCode, HyperError } from '../lib/errors.ts';
import { readPodFile } from './read-pod-file.ts';

const { signal } = new AbortController();
const refusal = async (text: string): Promise<readonly [ErrorCode, string]> => {
  try {
    await readPodFile({ text }, { signal });
  } catch (error) {
    const { code, message } = error as HyperError;
    return [code, message];
  }
  assert.fail(`it was taken: ${text}`);
};
const image = { image: 'busybox' };
/** A file of one container. */
const service = { serviceIP: '10.254.0.1', servicePort: 80 };
const with1 = (container: object, pod: object = {}): string =>
  JSON.stringify({ ...pod, containers: [{ ...image, ...container }] });

/** What is wrong, and all that is said of it. */
const wrong: readonly (readonly [file: string, message: string])[] = [
  ['[]', 'the pod file: must be an object, found an empty list'],
  ['', 'the pod file is empty: see docs/pod-files.md'],
  ['a: 1\n---\nb: 2\n', 'the pod file has 2 documents: a pod file is one'],
  ['{}', 'containers: is missing: it must be a list'],
  ['{"containers":[]}', 'containers: must have at least 1, found an empty list'],
  ['{"containers":[{}]}', 'containers[0].image: is missing: it must be text'],
  [with1({ image: 5 }), 'containers[0].image: must be text, found 5: write it in quotes, "5"'],
  [with1({ imgae: 'x' }), 'containers[0].imgae: unknown key: did you mean image?'],
  [with1({}, { Resource: {} }), 'Resource: unknown key: did you mean resource?'],
  [with1({}, { resource: { cpu: 1 } }), 'resource.cpu: unknown key: did you mean vcpu?'],
  [with1({}, { nonsense: 1 }), 'nonsense: unknown key: see docs/pod-files.md'],
  [with1({ readOnly: true, readonly: true }), 'containers[0].readonly: unknown key: did you mean readOnly?'],
  [with1({ command: 'sleep 1' }), 'containers[0].command: must be a list, found "sleep 1": write a list, ["…", "…"]'],
  [with1({ tty: 'yes' }), 'containers[0].tty: must be true or false, found "yes"'],
  [with1({}, { resource: { memory: 64 } }), 'resource.memory: must be 96 or more, found 64'],
  [with1({}, { resource: { vcpu: 1.5 } }), 'resource.vcpu: must be a whole number, found 1.5'],
  [
    with1({}, { restartPolicy: 'Always' }),
    'restartPolicy: must be one of never, onFailure, always, found "Always": did you mean always?',
  ],
  [
    with1({}, { hostname: 'a_b' }),
    'hostname: must be letters, digits and -, in parts that begin and end with a letter or digit, found "a_b"',
  ],
  [with1({}, { hostname: 'a'.repeat(64) }), `hostname: must have at most 63 letters, found "${'a'.repeat(60)}…"`],
  [
    with1({}, { interfaces: [{ ip: '10.0.0.5/33' }] }),
    'interfaces[0].ip: must be an IPv4 address, found "10.0.0.5/33"',
  ],
  [
    with1({ healthCheck: { command: ['x'] } }),
    'containers[0].healthCheck.command: unknown key: use one of test, intervalSeconds, timeoutSeconds, retries, startPeriodSeconds, startIntervalSeconds',
  ],
  [
    with1({ healthCheck: { test: ['curl', 'x'] } }),
    'containers[0].healthCheck.test: must be ["CMD", program, …], ["CMD-SHELL", text] or ["NONE"], found a list',
  ],
  [
    with1({ probes: { liveness: {} } }),
    'containers[0].probes.liveness: a probe has one of exec, httpGet and tcpSocket',
  ],
  [
    with1({ probes: { liveness: { exec: { command: ['x'] }, successThreshold: 2 } } }),
    'containers[0].probes.liveness.successThreshold: it can only be 1 of this probe',
  ],
  [
    with1({ probes: { readiness: { httpGet: { port: 0 } } } }),
    'containers[0].probes.readiness.httpGet.port: must be 1 or more, found 0',
  ],
  [
    with1({ name: 'cc' }, { initContainers: [{ ...image, name: 'cc' }] }),
    'initContainers[0].name: must be unique, and "cc" is also containers[0].name',
  ],
  [
    with1({}, { initContainers: [{ ...image, resource: { memory: 999 } }] }),
    "initContainers[0].resource.memory: must be at most the VM's 128 MB, found 999: give more in resource.memory",
  ],
  [with1({ sysctl: { nope: '1' } }), 'containers[0].sysctl: names must begin with fs., kernel., net. or vm.'],
  [
    with1({}, { portmappings: [{ containerPort: '1-1024' }, { containerPort: 2000 }] }),
    'portmappings[1]: is one too many: a pod may have 1024 ports',
  ],
  [
    JSON.stringify({
      files: [{ name: 'f', content: 'x'.repeat(700_000) }],
      containers: [
        { ...image, files: Array.from({ length: 30 }, (_, index) => ({ path: `/f${index}`, filename: 'f' })) },
      ],
    }),
    'containers[0].files: the files of all containers may have 16777216 bytes together',
  ],
  [with1({}, { dns: ['here'] }), 'dns[0]: must be an IP address, found "here"'],
  [with1({ workdir: 'srv' }), 'containers[0].workdir: must be an absolute path, found "srv"'],
  [with1({ envs: [{ value: 'x' }] }), 'containers[0].envs[0].env: is missing: it must be text'],
  [
    with1({ envs: [{ env: 'A' }, { env: 'A' }] }),
    'containers[0].envs[1].env: must be unique, and "A" is also containers[0].envs[0].env',
  ],
  [
    JSON.stringify({
      containers: [
        { ...image, name: 'cc' },
        { ...image, name: 'cc' },
      ],
    }),
    'containers[1].name: must be unique, and "cc" is also containers[0].name',
  ],
  [
    with1({ volumes: [{ path: '/d', volume: 'dta' }] }, { volumes: [{ name: 'data' }] }),
    'containers[0].volumes[0].volume: must be one of the pod\'s volumes, found "dta": did you mean data?',
  ],
  [
    with1({ volumes: [{ path: '/d', volume: 'data' }] }),
    'containers[0].volumes[0].volume: must be one of the pod\'s volumes, found "data": there are no volumes',
  ],
  [
    with1({ volumes: [{ path: 'd', volume: 'data' }] }, { volumes: [{ name: 'data' }] }),
    'containers[0].volumes[0].path: must be an absolute path, found "d"',
  ],
  [
    with1(
      {
        volumes: [
          { path: '/d', volume: 'vv' },
          { path: '/d/', volume: 'ww' },
        ],
      },
      { volumes: [{ name: 'vv' }, { name: 'ww' }] },
    ),
    'containers[0].volumes[1].path: must be unique in a container, found "/d" again',
  ],
  [
    with1(
      {
        volumes: [
          { path: '/a', volume: 'vv' },
          { path: '/b', volume: 'vv' },
        ],
      },
      { volumes: [{ name: 'vv' }] },
    ),
    'containers[0].volumes[1].volume: must be unique in a container, found "vv" again',
  ],
  [
    with1({ volumes: [{ path: '/a', volume: 'vv' }] }, { volumes: [{ name: 'vv', source: '/srv' }] }),
    'volumes[0].format: is missing: it must be vfs for a path of the host, as "/srv"',
  ],
  [
    with1({ volumes: [{ path: '/a', volume: 'vv' }] }, { volumes: [{ name: 'vv', size: '1g' }] }),
    'volumes[0].size: is for a fresh disk: give the format raw too, and no source',
  ],
  [
    with1({ volumes: [{ path: '/a', volume: 'vv' }] }, { volumes: [{ name: 'vv', format: 'raw', fstype: 'xfs' }] }),
    'volumes[0].fstype: must be ext4 for a fresh disk, found "xfs"',
  ],
  [
    with1({ volumes: [{ path: '/a', volume: 'vv' }] }, { volumes: [{ name: 'vv', format: 'nas', source: '/srv' }] }),
    'volumes[0].source: must be HOST:/path for nas, found "/srv"',
  ],
  [
    with1({ volumes: [{ path: '/a', volume: 'vv' }] }, { volumes: [{ name: 'vv', format: 'raw', source: 'd.raw' }] }),
    'volumes[0].source: must be an absolute path, found "d.raw"',
  ],
  [
    with1({ files: [{ path: '/f', filename: 'x' }] }, { files: [{ name: 'y' }] }),
    'containers[0].files[0].filename: must be one of the pod\'s files, found "x": did you mean y?',
  ],
  [
    with1({ files: [{ path: '/f', perm: '0999', detail: {} }] }),
    'containers[0].files[0].perm: must be three or four octal digits, as "0644", found "0999"',
  ],
  [
    with1({ files: [{ path: '/f', perm: 755, detail: {} }] }),
    'containers[0].files[0].perm: must be octal digits in quotes, as "0644": without them YAML may read a decimal number, found 755',
  ],
  [
    with1({ files: [{ path: '/f', detail: { content: 'a', uri: 'http://h/' } }] }),
    'containers[0].files[0].detail.content: cannot stand beside uri: give one of them',
  ],
  [
    with1({ files: [{ path: '/f', detail: { content: '*', encoding: 'base64' } }] }),
    'containers[0].files[0].detail.content: must be base64, as its encoding says',
  ],
  [
    with1({ files: [{ path: '/f', detail: { uri: 'ftp://h/' } }] }),
    'containers[0].files[0].detail.uri: must begin with http://, https:// or file:///, found "ftp://h/"',
  ],
  [
    with1({ files: [{ path: '/f/', detail: {} }] }),
    'containers[0].files[0].path: is a folder: give filename, or the path of the file, found "/f/"',
  ],
  [
    with1({ files: [{ path: '/f', detail: { content: 'x'.repeat(800_000) } }] }),
    'containers[0].files: /f has 800000 bytes: a file may have 786432',
  ],
  [
    with1({}, { portmappings: [{ containerPort: '80-81', hostPort: 8080 }] }),
    "portmappings[0].hostPort: must be a range as long as containerPort's 2, found 1 ports",
  ],
  [
    with1({}, { portmappings: [{ containerPort: 'http' }] }),
    'portmappings[0].containerPort: must be a port from 1 to 65535, or a range of them, as "8000-8010", found "http"',
  ],
  [
    with1({}, { portmappings: [{ containerPort: '90-80' }] }),
    'portmappings[0].containerPort: must be a port from 1 to 65535, or a range of them, found "90-80"',
  ],
  [
    with1({}, { services: [1, 2].map((hostPort) => ({ ...service, hosts: [{ hostIP: '10.0.0.1', hostPort }] })) }),
    'services[1]: is 10.254.0.1:80/tcp as services[0]: give each once',
  ],
  [
    with1({}, { services: [{ ...service, serviceIP: 'db' }, { serviceIP: '10.0.0.1' }] }),
    'services[0].serviceIP: must be an IP address, found "db"; services[1].servicePort: is missing: it must be a port from 1 to 65535',
  ],
  [
    with1({ resource: { cpus: 2 } }),
    "containers[0].resource.cpus: must be at most the VM's 1, found 2: give more in resource.vcpu",
  ],
  [
    with1({ resource: { memory: 512 } }),
    "containers[0].resource.memory: must be at most the VM's 128 MB, found 512: give more in resource.memory",
  ],
  [with1({ user: { group: 'g' } }), 'containers[0].user.name: is missing: it must be given where a group is'],
  [
    JSON.stringify({ containers: [1, 2].map((value) => ({ ...image, sysctl: { 'vm.swappiness': String(value) } })) }),
    'containers[1].sysctl["vm.swappiness"]: must be the same in all containers, which share a kernel, found "2" and in containers[0].sysctl["vm.swappiness"] "1"',
  ],
  [
    JSON.stringify({ labels: { a: 1 }, containers: [{ image: 1 }] }),
    'labels.a: must be text, found 1: write it in quotes, "1"; containers[0].image: must be text, found 1: write it in quotes, "1"',
  ],
  [
    with1({ ulimits: [{ name: 'nofle', soft: 1, hard: 2 }] }),
    'containers[0].ulimits[0].name: must be one of core, cpu, data, fsize, locks, memlock, msgqueue, nice, nofile, nproc, rss, rtprio, rttime, sigpending, stack, found "nofle": did you mean nofile?',
  ],
  [
    with1({
      ulimits: [
        { name: 'nofile', soft: 2, hard: 1 },
        { name: 'core', soft: -1, hard: 0 },
      ],
    }),
    'containers[0].ulimits[0].soft: must be at most the hard limit 1, found 2; containers[0].ulimits[1].soft: must be at most the hard limit 0, found -1',
  ],
  [
    with1({ stopSignal: 'FOO' }),
    'containers[0].stopSignal: must be a signal, as TERM, SIGTERM or a number from 1 to 64, found "FOO"',
  ],
  [with1({ image: 'Busy box' }), "containers[0].image: 'Busy box' is no image reference: the name must be lower case"],
  [
    with1({}, { files: [{ name: 'f', encoding: 'base64', content: '*' }] }),
    'files[0].content: must be base64, as its encoding says',
  ],
  [
    with1({ command: ['a', 'b\0'] }),
    'containers[0].command[1]: must not have a NUL (a zero byte), which ends a text for the kernel: give a file for bytes',
  ],
  [
    with1({}, { maxRestarts: 3 }),
    'maxRestarts: is for the restartPolicy onFailure, found 3 beside never: give onFailure, or leave it out',
  ],
  [
    with1({}, { portmappingWhiteLists: {} }),
    'portmappingWhiteLists: must name a network in internalNetworks or externalNetworks, found none: leave it out, and everyone may reach the pod',
  ],
  [
    with1(
      { ports: [{ containerPort: 81, hostPort: 8080 }] },
      {
        portmappings: [
          { containerPort: 80, hostPort: 8080 },
          { containerPort: 80, hostPort: 8080 },
          { containerPort: 82, hostPort: 8080, protocol: 'udp' },
        ],
      },
    ),
    'containers[0].ports[0].hostPort: must be unique, and 8080/tcp leads to port 80 by portmappings[0]: give another',
  ],
  [with1({ imgae: null }), 'containers[0].imgae: unknown key: did you mean image?'],
];

/** What is understood and cannot be done, by the path of the field. */
const unsupported: readonly (readonly [path: string, file: string])[] = [
  ...['restartPolicy', 'healthCheck', 'probes', 'ports', 'sysctl'].map(
    (key) => [`initContainers[0].${key}`, with1({}, { initContainers: [{ ...image, [key]: 'always' }] })] as const,
  ),
  ['log.type', with1({}, { log: { type: 'none' } })],
  ['log.config', with1({}, { log: { config: { 'max-size': '1m' } } })],
  ['interfaces[0].mtu', with1({}, { interfaces: [{ mtu: 1400 }] })],
  ['containers[0].logPath', with1({ logPath: '/var/log/x' })],
  ['containers[0].cache', with1({ cache: 'none' })],
  ['containers[0].user.additionalGroups', with1({ user: { name: 'a', additionalGroups: ['b'] } })],
  ['containers[0].ports[0].servicePort', with1({ ports: [{ containerPort: 1, servicePort: 2 }] })],
  ...['rbd', 'vdi'].map((format) => ['volumes[0].format', with1({}, { volumes: [{ name: 'v', format }] })] as const),
  [
    'containers[1].restartPolicy',
    JSON.stringify({ containers: ['always', 'never'].map((restartPolicy) => ({ ...image, restartPolicy })) }),
  ],
];

/** What JSON Schema cannot say: what one field says of another, and forms that have no pattern. */
const beyondSchema = new RegExp(
  [
    ...['must be unique', "must be one of the pod's", 'must be at most the', 'must be the same', 'must be base64'],
    ...['must be given where', 'must be a range as long', 'found "90-80"', 'must be ext4', 'must be HOST:', '"d.raw"'],
    ...['must be vfs', 'is for ', 'cannot stand beside', 'is a folder', 'bytes', 'is one too many', 'give each once'],
    ...['names must begin', 'must be \\["CMD"', 'an IPv4 address', 'a signal', 'no image reference', '\\.readonly: '],
  ].join('|'),
);

describe('a pod file that is wrong', () => {
  for (const [file, message] of wrong) {
    it(`is refused: ${message}`, async () => {
      assert.deepEqual(await refusal(file), ['bad_request', message]);
      if (file === '' || file.includes('\n')) return;
      assert.equal(faultOfSchema(JSON.parse(file)) === undefined, beyondSchema.test(message), 'what its schema says');
    });
  }

  it('is told all of its faults, and of many the first ten', async () => {
    const [, message] = await refusal(JSON.stringify({ containers: Array.from({ length: 12 }, () => ({})) }));
    assert.match(
      message,
      /^containers\[0\]\.image: .*containers\[9\]\.image: is missing: it must be text; and 2 more$/,
    );
  });
});

describe('what a pod file asks for in vain', () => {
  for (const [path, file] of unsupported) {
    it(`is refused by name: ${path}`, async () => {
      const [code, message] = await refusal(file);
      assert.equal(code, 'unsupported', message);
      assert.ok(message.startsWith(`${path}: is not supported: `), message);
      if (path !== 'containers[1].restartPolicy') assert.notEqual(faultOfSchema(JSON.parse(file)), undefined);
    });
  }
});
