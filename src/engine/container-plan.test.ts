import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Image, ImageConfig } from '../image/index.ts';
import { planContainer, planContainers, withMounts } from './container-plan.ts';
import type { ContainerSpec } from './pod-spec.ts';

const config: ImageConfig = {
  user: 'www',
  env: ['PATH=/opt/bin', 'A=image'],
  entrypoint: ['/entry'],
  command: ['serve'],
  workdir: '/srv',
  volumes: ['/data'],
  labels: { from: 'image' },
  stopSignal: 'SIGQUIT',
  exposedPorts: [],
  healthCheck: null,
  shell: [],
  architecture: 'amd64',
  os: 'linux',
  created: null,
};
const image: Image = {
  ...{ id: `sha256:${'0'.repeat(64)}`, tags: [], digests: [], createdAt: null, sizeBytes: 0, layers: [] },
  ...{ architecture: 'amd64', os: 'linux', config },
};
const place = { name: 'pod-1', hostname: 'host-1', number: 1, process: 1 };
const plan = (spec: Partial<ContainerSpec>, over: Partial<ImageConfig> = {}): ReturnType<typeof planContainer> =>
  planContainer({ image: 'x', ...spec }, { ...image, config: { ...config, ...over } }, place);

describe('what a container runs', () => {
  it('is the image’s entrypoint and command', () => assert.deepEqual(plan({}).args, ['/entry', 'serve']));
  it('has the user’s command after the image’s entrypoint', () => {
    assert.deepEqual(plan({ command: ['x', 'y'] }).args, ['/entry', 'x', 'y']);
  });
  it('drops the image’s command with its entrypoint', () => {
    assert.deepEqual(plan({ entrypoint: ['/other'] }).args, ['/other']);
    assert.deepEqual(plan({ entrypoint: ['/other'], command: ['a'] }).args, ['/other', 'a']);
  });
  it('is refused when there is nothing', () => {
    assert.throws(() => plan({}, { entrypoint: [], command: [] }), /no command specified/);
  });
  it('has the image’s environment, and the user’s over it', () => {
    assert.deepEqual(plan({ env: ['A=user', 'B=1'] }).env, ['PATH=/opt/bin', 'HOSTNAME=host-1', 'A=user', 'B=1']);
  });
  it('has a PATH and with a terminal a TERM', () => {
    const { env } = plan({ tty: true }, { env: [] });
    assert.ok(env.some((entry) => entry.startsWith('PATH=/usr/local/sbin:')));
    assert.ok(env.includes('TERM=xterm'));
  });
  it('takes user, folder, stop signal, volumes and labels from the image', () => {
    const { user, workdir, stopSignal, volumes, labels } = plan({ labels: { mine: '1' } });
    assert.deepEqual([user, workdir, stopSignal, volumes], ['www', '/srv', 3, ['/data']]);
    assert.deepEqual(labels, { from: 'image', mine: '1' });
  });
  it('works in / when the image does not say', () => assert.equal(plan({}, { workdir: '' }).workdir, '/'));
  it('has a tmpfs in place of an image’s volume', () => {
    assert.deepEqual(plan({ tmpfs: [{ path: '/data', options: '' }] }).volumes, []);
    const mount = { type: 'bind', source: '/s', target: '/data', readOnly: false, socket: false } as const;
    const { volumes, mounts } = withMounts(plan({}), [mount]);
    assert.deepEqual([volumes, mounts], [[], [mount]]);
  });
  it('is called what its user says, else as its pod, else after pod and image', () => {
    const names = (...specs: Partial<ContainerSpec>[]): string[] =>
      planContainers(
        specs.map((spec) => ({ image: 'x/web:1', ...spec })),
        specs.map(() => image),
        { name: 'p', hostname: 'h' },
      ).map(({ name, number, process }) => `${name} ${number} ${process}`);
    assert.deepEqual(names({}), ['p 1 1']);
    assert.deepEqual(names({}, { name: 'db' }, {}), ['p-web 1 1', 'db 2 2', 'p-web-2 3 3']);
    assert.throws(() => names({ name: 'a' }, { name: 'a' }), /two containers are called a/);
  });
  it('has files with an owner by name, each path once, and not too large', () => {
    const content = Buffer.from('text').toString('base64');
    const [file, other] = plan({
      files: [
        { path: '/a/../b', content, mode: 0o600, user: 'www', group: '7' },
        { path: '/c', content },
      ],
    }).files;
    assert.deepEqual(file, { path: '/b', content, mode: 0o600, user: 'www:7', readOnly: false });
    assert.deepEqual(other, { path: '/c', content, mode: 0o644, user: '0', readOnly: false });
    assert.throws(
      () =>
        plan({
          files: [
            { path: '/b', content },
            { path: '/a/../b', content },
          ],
        }),
      /two files/,
    );
    const large = Buffer.alloc((2 << 20) + 1).toString('base64');
    assert.throws(() => plan({ files: [{ path: '/b', content: large }] }), /may be 2097152 together/);
  });
  it('refuses unknown signals and limits', () => {
    assert.throws(() => plan({ stopSignal: 'SIGNOPE' }), /unknown signal SIGNOPE/);
    assert.throws(() => plan({ ulimits: [{ name: 'nope', soft: 1, hard: 1 }] }), /no such ulimit: nope/);
    assert.throws(() => plan({ ulimits: [{ name: 'nofile', soft: 2, hard: 1 }] }), /above the hard limit/);
  });
});
