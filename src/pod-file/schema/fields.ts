import { z } from 'zod';
import { closeMatch } from '../close-match.ts';
import { whyNoReference } from '../../lib/image-reference.ts';
import { notSupported } from '../problems.ts';

/** An object with these keys and no other; one that is null is left out. */
export function fields<S extends z.ZodRawShape>(shape: S) {
  return z.preprocess((value) => mapKeys(value, (key, field) => (field === null ? undefined : key)), strict(shape));
}

/**
 * An object as the first Hyper read it: its YAML wrote keys in small letters, and an empty text is as good as none.
 *
 * @param spelled other spellings of its JSON: `{ StopSignal: 'stopSignal' }`.
 */
export function hyperFields<S extends z.ZodRawShape>(shape: S, spelled: Readonly<Record<string, string>> = {}) {
  const others = new Map([
    ...Object.keys(shape).map((name) => [name.toLowerCase(), name] as const),
    ...Object.entries(spelled),
  ]);
  const documented = (key: string, value: unknown, has: (name: string) => boolean): string | undefined => {
    const name = Object.hasOwn(shape, key) ? key : others.get(key);
    if (name !== undefined && (value === null || value === '')) return undefined;
    // One that is there twice stays, and is refused as unknown.
    return name === undefined || (name !== key && has(name)) ? key : name;
  };
  const marked = strict(shape).meta({ [spelledMark]: [...others].filter(([other, name]) => other !== name) });
  return z.preprocess((value) => mapKeys(value, documented), marked);
}

function strict<S extends z.ZodRawShape>(shape: S) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys
            .slice(0, mostAdvised)
            .map((key) => advise(key, known))
            .join('\n')
        : undefined,
  });
}

/** Of an object's unknown keys; more are not read. */
const mostAdvised = 10;
/** Few keys are listed, for many a look into the documentation is shorter. */
const mostListed = 12;

function advise(key: string, known: readonly string[]): string {
  const match = closeMatch(key, known);
  if (match !== undefined) return `: did you mean ${match}?`;
  return known.length <= mostListed ? `: use one of ${known.join(', ')}` : ': see docs/pod-files.md';
}

function mapKeys(
  value: unknown,
  rename: (key: string, value: unknown, has: (name: string) => boolean) => string | undefined,
): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const has = (name: string): boolean => Object.hasOwn(value, name);
  const entries = Object.entries(value).flatMap(([key, field]: [string, unknown]) => {
    const name = rename(key, field, has);
    return name === undefined ? [] : [[name, field] as const];
  });
  return Object.fromEntries(entries);
}

/**
 * A field that is known and cannot be done: refused by its name, unless it asks for nothing.
 *
 * @param allowed values that say what happens anyway.
 */
export function refused(why: string, allowed: readonly unknown[] = []) {
  return z
    .unknown()
    .optional()
    .superRefine((value, context) => {
      if (asksForNothing(value) || allowed.includes(value)) return;
      context.addIssue({ code: 'custom', message: `${notSupported}: ${why}` });
    })
    .meta({ [refusedMark]: true, [allowedMark]: allowed, description: `${notSupported}: ${why}` });
}

/** Mark in a schema's metadata what is refused by its name, and values of it that are taken. */
export const refusedMark = 'refused';
export const allowedMark = 'allowed';
/** Marks an object of the first Hyper's: `[['readonly', 'readOnly']]`, the other spellings of its keys. */
export const spelledMark = 'spelled';
/** JSON Schemas that hold besides: what a check of ours says. */
export const alsoMark = 'also';

function asksForNothing(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0;
  return value === undefined || value === null || value === '' || value === false || value === 0;
}

/** One of a few words; those that other versions knew are refused by name. */
export function choice<const T extends readonly [string, ...string[]]>(
  allowed: T,
  others: Readonly<Record<string, string>> = {},
) {
  return z.enum(allowed, {
    error: ({ input }) => {
      const why = typeof input === 'string' && Object.hasOwn(others, input) ? others[input] : undefined;
      return why === undefined ? undefined : `${notSupported}: ${why}`;
    },
  });
}

export const text = z.string();
const isImageId = (name: string): boolean => /^(sha256:)?[0-9a-f]{1,64}$/.test(name);
/** A reference, or an id of an image that is there. */
export const imageName = z
  .string()
  .min(1)
  .superRefine((name, context) => {
    const why = name === '' || isImageId(name) ? undefined : whyNoReference(name);
    if (why !== undefined) context.addIssue({ code: 'custom', message: why });
  });
export const absolutePath = z.string().startsWith('/', { error: 'must be an absolute path' });
/** RFC 1123, 2.1, and as long as Linux takes. */
export const hostname = z
  .string()
  .max(63)
  .regex(/^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)*$/, {
    error: 'must be letters, digits and -, in parts that begin and end with a letter or digit',
  });
export const texts = z.record(z.string().min(1), z.string());
