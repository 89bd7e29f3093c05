import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { podFileSchema } from './json-schema.ts';

type Schema = Readonly<Record<string, unknown>>;

const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const partOf = (schema: unknown, key: string): unknown => (isSchema(schema) ? schema[key] : undefined);

/** The fields of a schema and of those in it, by their paths: `containers[].image`. */
function fieldsOf(schema: unknown, path = ''): (readonly [path: string, schema: Schema])[] {
  const items = partOf(schema, 'items');
  if (items !== undefined) return fieldsOf(items, `${path}[]`);
  const properties = partOf(schema, 'properties');
  if (!isSchema(properties)) return [];
  return Object.entries(properties).flatMap(([name, field]) => {
    const at = path === '' ? name : `${path}.${name}`;
    return isSchema(field) ? [[at, field] as const, ...fieldsOf(field, at)] : [];
  });
}

describe('the JSON Schema of pod files', () => {
  const schema = podFileSchema();
  const fields = new Map(fieldsOf(schema));

  it('is one that editors read: draft 2020-12, with what a field means, and no other keys', () => {
    assert.equal(schema['$schema'], 'https://json-schema.org/draft/2020-12/schema');
    assert.deepEqual(schema['required'], ['containers']);
    assert.equal(schema['additionalProperties'], false);
    assert.equal(fields.get('containers[].image')?.['description'], 'the image to run');
    assert.deepEqual(fields.get('restartPolicy')?.['enum'], ['never', 'onFailure', 'always']);
  });

  it('says of what is refused by name that nothing fits', () => {
    assert.deepEqual(fields.get('containers[].logPath')?.['not'], {});
    assert.match(String(fields.get('containers[].logPath')?.['description']), /^is not supported: /);
    assert.equal(fields.get('containers')?.['not'], undefined);
  });

  it('has the fields that docs/pod-files.md has, and no others', () => {
    const page = readFileSync(new URL('../../../docs/pod-files.md', import.meta.url), 'utf8');
    const documented = [
      ...(page.split('\n## ').find((part) => part.startsWith('Fields')) ?? '').matchAll(/^\| `([\w.[\]]+)` /gm),
    ].map(([, name = '']) => name);
    // What an init container has is what a container has, and each probe what the others have.
    const asOther = /\.detail\.|^initContainers\[\]\.|\.probes\.(liveness|readiness)\./;
    const own = [...fields.keys()].filter((path) => !asOther.test(path));
    assert.deepEqual(documented.toSorted(), own.toSorted());
  });
});
