import { UsageError } from '../usage-error.ts';

export type Test<T> = (item: T) => boolean;

/** What each key of --filter asks of an item. */
export type FilterKeys<T> = Readonly<Record<string, (value: string, text: string) => Test<T>>>;

/** `KEY=VALUE`, as docker's: all of the keys, of a key that is repeated any, but of labels each. @throws UsageError */
export function parseFilters<T>(texts: readonly string[], keys: FilterKeys<T>): Test<T> {
  const tests = new Map<string, Test<T>[]>();
  for (const text of texts) {
    const [key = ''] = text.split('=', 1);
    const value = text.slice(key.length + 1);
    if (value === '') throw new UsageError(`--filter is '${text}': give KEY=VALUE`);
    const testOf = Object.hasOwn(keys, key) ? keys[key] : undefined;
    if (testOf === undefined) {
      throw new UsageError(`--filter is '${text}': invalid filter '${key}': give ${Object.keys(keys).join(', ')}`);
    }
    const group = key === 'label' ? text : key;
    tests.set(group, [...(tests.get(group) ?? []), testOf(value, text)]);
  }
  return (item) => [...tests.values()].every((any) => any.some((test) => test(item)));
}

export function parseTruth(value: string, text: string): boolean {
  const yes = ['1', 'true'].includes(value);
  if (!yes && !['0', 'false'].includes(value)) throw new UsageError(`--filter is '${text}': give true or false`);
  return yes;
}
