import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { podFileSchema } from '../../src/pod-file/index.ts';

/** The schema of pod files in a validator that takes no keyword or format that it does not know. */
const ajv = new Ajv2020({ strict: true });
addFormats.default(ajv);
const validate = ajv.compile(podFileSchema());

/** What the schema says is wrong with a pod file; nothing: undefined. */
export function faultOfSchema(file: unknown): string | undefined {
  return validate(file) ? undefined : ajv.errorsText(validate.errors);
}
