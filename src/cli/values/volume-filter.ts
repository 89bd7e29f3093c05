import type { Volume } from '../../contract/index.ts';
import { hasLabel } from '../../lib/has-label.ts';
import { UsageError } from '../usage-error.ts';

type Test = (volume: Volume) => boolean;

/** `name=`, `dangling=`, `driver=`, `label=NAME[=VALUE]`: all of the kinds, of a kind that may be repeated any but for labels. */
export function parseVolumeFilters(texts: readonly string[]): Test {
  const tests = new Map<string, Test[]>();
  for (const text of texts) {
    const [key = ''] = text.split('=', 1);
    const value = text.slice(key.length + 1);
    if (!text.includes('=') || value === '') throw new UsageError(`--filter is '${text}': give KEY=VALUE`);
    const test = testOf(key, value, text);
    if (key === 'label') tests.set(text, [test]);
    else tests.set(key, [...(tests.get(key) ?? []), test]);
  }
  return (volume) => [...tests.values()].every((any) => any.some((test) => test(volume)));
}

function testOf(key: string, value: string, text: string): Test {
  switch (key) {
    case 'name':
      return ({ name }) => name.includes(value);
    case 'driver':
      return ({ driver }) => driver === value;
    case 'label':
      return ({ labels }) => hasLabel(labels, value);
    case 'dangling': {
      const yes = ['1', 'true'].includes(value);
      if (!yes && !['0', 'false'].includes(value)) throw new UsageError(`--filter is '${text}': give true or false`);
      return ({ pods }) => (pods.length === 0) === yes;
    }
    default:
      throw new UsageError(`--filter is '${text}': invalid filter '${key}': give name, driver, label or dangling`);
  }
}
