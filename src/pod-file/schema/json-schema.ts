import { z } from 'zod';
import { refusedMark } from './fields.ts';
import { PodFields } from './pod-fields.ts';

/**
 * The JSON Schema (draft 2020-12) of a pod file, from which editors complete. What is refused by name is in it as what
 * nothing fits, so that an editor says so too.
 */
export function podFileSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(PodFields, {
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      if (z.globalRegistry.get(zodSchema)?.[refusedMark] !== true) return;
      Reflect.deleteProperty(jsonSchema, refusedMark);
      jsonSchema.not = {};
    },
  });
  return { ...schema, title: 'A pod file of Hyper' };
}
