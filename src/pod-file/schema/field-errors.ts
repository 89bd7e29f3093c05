import type { z } from 'zod';
import { didYouMean } from '../close-match.ts';
import { showFound } from '../found.ts';
import type { Problems } from '../problems.ts';

const kinds: Readonly<Record<string, string>> = {
  string: 'text',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

const must = (kind: string): string => `must be ${kinds[kind] ?? kind}`;

/** What a field must be, in our words; a schema's own message goes before it. */
const inOurWords: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type':
      return must(issue.expected);
    case 'invalid_value': {
      const allowed = issue.values.map(String);
      return allowed.length === 1 ? `must be ${allowed.join()}` : `must be one of ${allowed.join(', ')}`;
    }
    case 'too_small':
      if (issue.origin === 'string') return 'must not be empty';
      return issue.origin === 'array'
        ? `must have at least ${String(issue.minimum)}`
        : `must be ${String(issue.minimum)} or more`;
    case 'too_big':
      if (issue.origin === 'string') return `must have at most ${String(issue.maximum)} letters`;
      return issue.origin === 'array'
        ? `must have at most ${String(issue.maximum)}`
        : `must be ${String(issue.maximum)} or less`;
    default:
      return 'has a form that is not allowed';
  }
};

/** Checks a part of a file; what is wrong with it is added to the problems, and the answer is undefined. */
export function checkFields<S extends z.ZodType>(
  schema: S,
  value: unknown,
  at: readonly (string | number)[],
  problems: Problems,
): z.output<S> | undefined {
  const result = schema.safeParse(value, { error: inOurWords, reportInput: true });
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    const path = [...at, ...issue.path.map((step) => (typeof step === 'symbol' ? step.toString() : step))];
    if (issue.code === 'unrecognized_keys') {
      // fields.ts says of each key in a line of its own what might have been meant.
      const advice = issue.message.split('\n');
      issue.keys.forEach((key, index) => problems.add([...path, key], `unknown key${advice[index] ?? ''}`));
    } else {
      problems.add(path, describe(issue));
    }
  }
  return undefined;
}

function describe(issue: z.core.$ZodIssue): string {
  const { message, input } = issue;
  // What a check of our own says may already be the whole.
  if (issue.code === 'custom' && !message.startsWith('must ')) return message;
  if (input === undefined) return `is missing: it ${message}`;
  return `${message}, found ${showFound(input)}${advice(issue)}`;
}

/** Of the faults that are made most often; not where the schema has said what to do. */
function advice(issue: z.core.$ZodIssue): string {
  const { message, input } = issue;
  if (message === must('string') && (typeof input === 'number' || typeof input === 'boolean')) {
    return `: write it in quotes, "${String(input)}"`;
  }
  if (typeof input !== 'string') return '';
  if (message === must('array')) return ': write a list, ["…", "…"]';
  return issue.code === 'invalid_value' ? didYouMean(input, issue.values.map(String)) : '';
}
