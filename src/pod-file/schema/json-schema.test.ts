import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { faultOfSchema } from '../../../test/support/schema-judge.ts';
import { readPodFile } from '../read-pod-file.ts';
import { podFileSchema } from './json-schema.ts';

type Schema = Readonly<Record<string, unknown>>;

const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const partOf = (schema: unknown, key: string): unknown => (isSchema(schema) ? schema[key] : undefined);

/** The fields of a schema and of those in it, by their paths: `containers[].image`. */
function fieldsOf(schema: unknown, path = ''): (readonly [path: string, schema: Schema])[] {
  const items = partOf(schema, 'items');
  if (items !== undefined) return fieldsOf(items, `${path}[]`);
  const [choice] = choicesOf(schema);
  const properties = partOf(schema, 'properties');
  if (!isSchema(properties)) return choice === undefined ? [] : fieldsOf(choice, path);
  return Object.entries(properties).flatMap(([name, field]) => {
    const at = path === '' ? name : `${path}.${name}`;
    const isSpelling = partOf(field, '$ref') !== undefined;
    return isSchema(field) && !isSpelling ? [[at, field] as const, ...fieldsOf(field, at)] : [];
  });
}

/** A field that may be left out can be null or an empty text as well. */
function choicesOf(schema: unknown): readonly unknown[] {
  const choices = partOf(schema, 'anyOf');
  return Array.isArray(choices) ? choices : [];
}

describe('the JSON Schema of pod files', () => {
  const schema = podFileSchema();
  const fields = new Map(fieldsOf(schema));

  it('is one that editors read: draft 2020-12, with what a field means, and no other keys', () => {
    assert.equal(schema['$schema'], 'https://json-schema.org/draft/2020-12/schema');
    assert.deepEqual(schema['required'], ['containers']);
    assert.equal(schema['additionalProperties'], false);
    assert.equal(fields.get('containers[].image')?.['description'], 'the image to run');
    const [policy, nothing] = choicesOf(fields.get('restartPolicy'));
    assert.deepEqual(partOf(policy, 'enum'), ['never', 'onFailure', 'always']);
    assert.deepEqual(partOf(nothing, 'enum'), [null, '']);
  });

  it('says of what is refused by name that only what asks for nothing fits', () => {
    assert.deepEqual(fields.get('containers[].logPath')?.['enum'], [null, '', false, 0, {}, []]);
    assert.match(String(fields.get('containers[].logPath')?.['description']), /^is not supported: /);
  });

  const container = { image: 'busybox' };
  const right: readonly (readonly [what: string, file: object])[] = [
    ['spelled as in the first Hyper’s JSON', { containers: [{ ...container, StopSignal: 'QUIT' }] }],
    ['its limits', { containers: [{ ...container, ulimits: [{ Name: 'nofile', Hard: 2, Soft: 1 }] }] }],
    [
      'spelled as in its YAML',
      { restartpolicy: 'always', portmappings: [{ containerport: 80 }], containers: [container] },
    ],
    [
      'null and empty texts',
      { hostname: null, resource: null, containers: [{ ...container, workdir: '', logPath: null }] },
    ],
    ['nothing asked of what is refused', { log: { config: {} }, containers: [{ ...container, cache: false }] }],
    [
      'a probe with null beside',
      { containers: [{ ...container, probes: { liveness: { exec: null, tcpsocket: { port: 1 } } } }] },
    ],
    ['the editor’s own key', { $schema: './pod.schema.json', containers: [container] }],
    ['units in capitals', { volumes: [{ name: 'vv', format: 'raw', size: '1G' }], containers: [container] }],
  ];
  for (const [what, file] of right) {
    it(`takes what is read: ${what}`, async () => {
      assert.equal(faultOfSchema(file), undefined);
      const { signal } = new AbortController();
      await readPodFile({ text: JSON.stringify(file) }, { signal });
    });
  }

  it('has the fields that docs/pod-files.md has, and no others', () => {
    const page = readFileSync(new URL('../../../docs/pod-files.md', import.meta.url), 'utf8');
    const documented = [
      ...(page.split('\n## ').find((part) => part.startsWith('Fields')) ?? '').matchAll(/^\| `([\w.[\]$]+)` /gm),
    ].map(([, name = '']) => name);
    // What an init container has is what a container has, and each probe what the others have.
    const asOther = /\.detail\.|^initContainers\[\]\.|\.probes\.(liveness|readiness)\./;
    const own = [...fields.keys()].filter((path) => !asOther.test(path));
    assert.deepEqual(documented.toSorted(), own.toSorted());
  });
});
