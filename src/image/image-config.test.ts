import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatImageConfig, parseImageConfig } from './image-config.ts';

const diffId = `sha256:${'0'.repeat(64)}` as const;
const parse = (json: unknown) => parseImageConfig(Buffer.from(JSON.stringify(json)), 'config of x');

describe('an image’s config', () => {
  it('may leave out everything, or say null', () => {
    const nothing = parse({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: null } });
    const fields = [
      'User',
      'Env',
      'Entrypoint',
      'Cmd',
      'WorkingDir',
      'Volumes',
      'Labels',
      'StopSignal',
      'ExposedPorts',
      'Shell',
      'Healthcheck',
    ];
    const nulls = parse({
      architecture: 'amd64',
      os: 'linux',
      created: null,
      config: Object.fromEntries(fields.map((field) => [field, null])),
      rootfs: { diff_ids: [] },
    });

    assert.deepEqual(nothing, nulls);
    assert.deepEqual(nothing.config, {
      user: '',
      env: [],
      entrypoint: [],
      command: [],
      workdir: '',
      volumes: [],
      labels: {},
      stopSignal: null,
      healthCheck: null,
      shell: [],
      exposedPorts: [],
      architecture: 'amd64',
      os: 'linux',
      created: null,
    });
  });

  it('is read with all its fields, and what is written is read back the same', () => {
    const config = {
      user: '1000:1000',
      env: ['A=b'],
      entrypoint: ['/bin/sh', '-c'],
      command: ['ls'],
      workdir: '/srv',
      volumes: ['/data'],
      labels: { a: 'b' },
      stopSignal: 'SIGINT',
      healthCheck: {
        ...{ test: ['CMD', 'true'], intervalSeconds: 5, timeoutSeconds: null, retries: 2 },
        ...{ startPeriodSeconds: 1.5, startIntervalSeconds: null },
      },
      shell: ['/bin/ash', '-c'],
      exposedPorts: ['80/tcp'],
      architecture: 'amd64',
      os: 'linux',
      created: '2026-01-01T00:00:00Z',
    };

    assert.deepEqual(parseImageConfig(formatImageConfig(config, [diffId]), 'x'), { config, diffIds: [diffId] });
  });

  it('that is broken is refused, saying where', () => {
    assert.throws(() => parse({ architecture: 'amd64', os: 'linux', config: { Env: 'A=b' }, rootfs: {} }), {
      code: 'corrupt',
      message: /^config of x is broken: config\.Env: /,
    });
    assert.throws(() => parseImageConfig(Buffer.from('{'), 'config of x'), {
      code: 'corrupt',
      message: 'config of x is broken: it is no JSON',
    });
    assert.throws(() => parse({ architecture: 'amd64', os: 'linux', rootfs: { diff_ids: ['../../etc'] } }), {
      code: 'corrupt',
    });
  });
});
