import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { faultOfSchema } from '../../test/support/schema-judge.ts';
import { PodSpec } from '../contract/index.ts';
import { HyperError } from '../lib/errors.ts';
import { isManifest } from './kubernetes/index.ts';
import { type PodFileFormat, readPodFile } from './read-pod-file.ts';

const { signal } = new AbortController();
const formats: readonly (PodFileFormat | undefined)[] = ['json', 'yaml', 'kubernetes', undefined];

/** Whatever the file: what comes out is a pod that the API takes, or a HyperError that is no defect. */
async function isHandled(text: string, format: PodFileFormat | undefined): Promise<void> {
  try {
    const read = () => Promise.reject(new HyperError('unavailable', 'there is no network'));
    const spec = await readPodFile({ text, format }, { signal, read });
    assert.ok(PodSpec.safeParse(spec).success);
    const document: unknown = parse(text);
    if (format !== 'kubernetes' && !isManifest(document)) assert.equal(faultOfSchema(document), undefined, text);
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    assert.ok(error instanceof HyperError, `${String(error)} for ${text}`);
    assert.notEqual(error.code, 'internal', error.message);
    assert.ok(error.message.length < 20_000);
  }
}

const words = [
  ...[
    'containers',
    'image',
    'volumes',
    'files',
    'name',
    'path',
    'volume',
    'filename',
    'detail',
    'content',
    'uri',
    'encoding',
  ],
  ...[
    'spec',
    'kind',
    'apiVersion',
    'metadata',
    'env',
    'value',
    'valueFrom',
    'configMap',
    'secret',
    'emptyDir',
    'volumeMounts',
  ],
  ...[
    'mountPath',
    'subPath',
    'resources',
    'limits',
    'cpu',
    'memory',
    'portmappings',
    'containerPort',
    'hostPort',
    'perm',
  ],
  ...[
    '__proto__',
    'constructor',
    'toString',
    'hostname',
    'labels',
    'sysctl',
    'data',
    'items',
    'Pod',
    'ConfigMap',
    'List',
    'v1',
  ],
];
const word = fc.constantFrom(...words);
const leaf = fc.oneof(
  word,
  fc.constantFrom('/a', '/a/', '..', '80-81', '1m', 'raw', 'base64', '0755', 'http://h/'),
  fc.string(),
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
);
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: 'medium' },
    leaf,
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.dictionary(fc.oneof({ weight: 9, arbitrary: word }, { weight: 1, arbitrary: fc.string() }), tie('tree'), {
      maxKeys: 6,
    }),
  ),
}));

/** Files that are right, whose parts are then exchanged for others. */
const seeds = [
  {
    id: 'web',
    resource: { vcpu: 1, memory: 128 },
    files: [{ name: 'f', content: 'x', encoding: 'raw' }],
    volumes: [{ name: 'vv', source: '/s', format: 'vfs' }],
    portmappings: [{ containerPort: 80, hostPort: '8080' }],
    containers: [
      {
        image: 'a',
        envs: [{ env: 'A', value: '1' }],
        volumes: [{ path: '/p', volume: 'vv' }],
        files: [{ path: '/f', filename: 'f', perm: '0644' }],
      },
    ],
  },
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web' },
    spec: {
      volumes: [
        { name: 'v', emptyDir: { sizeLimit: '64Mi' } },
        { name: 'h', hostPath: { path: '/srv' } },
      ],
      containers: [
        {
          name: 'cc',
          image: 'i',
          env: [{ name: 'A', value: '$(B)' }],
          resources: { limits: { cpu: '500m', memory: '64Mi' } },
          volumeMounts: [{ name: 'v', mountPath: '/m' }],
        },
      ],
    },
  },
];

function exchange(value: unknown, other: unknown, at: number): unknown {
  let left = at;
  const walk = (part: unknown): unknown => {
    if (left-- === 0) return other;
    if (Array.isArray(part)) return part.map(walk);
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([key, field]) => [key, walk(field)]));
  };
  return walk(value);
}

describe('whatever stands in a pod file', () => {
  it('is read or refused: any text', async () => {
    const text = fc.oneof(
      fc.string({ maxLength: 300 }),
      fc.string({ unit: fc.constantFrom(...Array.from('{}[]:,-&*!|>"\' \n\ta1#%@')), maxLength: 80 }),
    );
    await fc.assert(fc.asyncProperty(text, fc.constantFrom(...formats), isHandled), { numRuns: 200 });
  });

  it('is read or refused: any tree of our words', async () => {
    await fc.assert(
      fc.asyncProperty(
        tree,
        fc.constantFrom(...formats),
        async (value, format) => await isHandled(JSON.stringify(value), format),
      ),
      { numRuns: 200 },
    );
  });

  it('is read or refused: a file that was right before a part of it was exchanged', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...seeds),
        fc.integer({ min: 0, max: 30 }),
        tree,
        fc.constantFrom(...formats),
        async (seed, at, other, format) => {
          await isHandled(JSON.stringify(exchange(seed, other, at)), format);
        },
      ),
      { numRuns: 400 },
    );
  });
});
