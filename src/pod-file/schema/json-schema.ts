import { z } from 'zod';
import { allowedMark, alsoMark, refusedMark, spelledMark } from './fields.ts';
import { PodFields } from './pod-fields.ts';

type Node = Readonly<Record<string, unknown>>;

/**
 * The JSON Schema (draft 2020-12) of a pod file, from which editors complete. It takes what is read, the first Hyper's
 * spellings among it; what one field says of another is checked when the file is read.
 */
export function podFileSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(PodFields, { unrepresentable: 'any' });
  return { ...finished(schema, '#'), title: 'A pod file of Hyper' };
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && !Array.isArray(value);
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** What zod made of a schema, with what our marks in it mean. @param at where it stands: `#/properties/id` */
function finished(node: Node, at: string): Record<string, unknown> {
  const { [refusedMark]: isRefused, [allowedMark]: allowed, [spelledMark]: spelled, [alsoMark]: also, ...rest } = node;
  const { properties, allOf, ...own }: Record<string, unknown> = rest;
  if (isRefused === true) return { description: own['description'], enum: [...asksForNothing, ...list(allowed)] };
  // zod's name for what it says by a pattern too: it is no format of JSON Schema.
  if (own['format'] === 'starts_with') delete own['format'];
  for (const key of ['items', 'additionalProperties']) {
    const part = own[key];
    if (isNode(part)) own[key] = finished(part, `${at}/${key}`);
  }
  for (const key of ['anyOf', 'oneOf']) {
    if (own[key] === undefined) continue;
    own[key] = list(own[key]).map((part, index) => (isNode(part) ? finished(part, `${at}/${key}/${index}`) : part));
  }
  const fields = isNode(properties) ? fieldsOf(properties, list(own['required']).map(String), list(spelled), at) : {};
  const { oneOfEach = [], ...known } = fields;
  const more = [...list(allOf), ...oneOfEach, ...list(also)];
  return { ...own, ...known, ...(more.length === 0 ? {} : { allOf: more }) };
}

/** What is as good as left out. */
const nothing = { enum: [null, ''] };
const asksForNothing = [null, '', false, 0, {}, []];

interface Keys {
  readonly properties?: object;
  readonly required?: readonly string[];
  /** Of required keys that can be spelled in several ways: one of them is there. */
  readonly oneOfEach?: readonly object[];
}

/** The part of an object's schema that says its keys, in all their spellings. */
function fieldsOf(properties: Node, required: readonly string[], spelled: readonly unknown[], at: string): Keys {
  const others = spelled.map((pair) => list(pair).map(String)).map(([other = '', name = '']) => ({ other, name }));
  const fields = Object.entries(properties).map(([name, field]) => {
    const place = `${at}/properties/${name}`;
    if (!isNode(field)) return [name, {}] as const;
    return [name, required.includes(name) ? neverEmpty(finished(field, place)) : orNothing(field, place)] as const;
  });
  const references = others.map(({ other, name }) => [other, { $ref: `${at}/properties/${name}` }] as const);
  const spellings = (name: string): string[] => [
    name,
    ...others.flatMap((each) => (each.name === name ? [each.other] : [])),
  ];
  return {
    properties: Object.fromEntries([...fields, ...references]),
    required: required.filter((name) => spellings(name).length === 1),
    oneOfEach: required
      .map(spellings)
      .filter(({ length }) => length > 1)
      .map((keys) => ({
        anyOf: keys.map((key) => ({ type: 'object', properties: { [key]: {} }, required: [key] })),
      })),
  };
}

/** A required field that is an empty text is missing. */
function neverEmpty(schema: Record<string, unknown>): Record<string, unknown> {
  return schema['type'] === 'string' && schema['enum'] === undefined ? { minLength: 1, ...schema } : schema;
}

/** A field that may be left out, or be as good as that. */
function orNothing(field: Node, at: string): Record<string, unknown> {
  const { description, ...schema } = finished(field, `${at}/anyOf/0`);
  const said = description === undefined ? {} : { description };
  if (list(schema['enum']).includes(null)) return { ...said, ...schema };
  return { ...said, anyOf: [schema, nothing] };
}
