import type { PodSpec } from '../../contract/index.ts';
import { UsageError } from '../usage-error.ts';
import { checkTarget, hostPath, type Mount } from './volume-option.ts';

type Tmpfs = NonNullable<PodSpec['containers'][number]['tmpfs']>[number];

/** What a --mount is: a mount of the host's, or a file system in memory. */
export type ParsedMount = { readonly mount: Mount } | { readonly tmpfs: Tmpfs };

const canonical: Readonly<Record<string, string>> = {
  src: 'source',
  dst: 'target',
  destination: 'target',
  ro: 'readonly',
};
const types = ['bind', 'volume', 'disk', 'nfs', 'tmpfs'] as const;
/** The keys of each type; what the host's kernel is told of binds has no meaning here. */
const keysOf: Readonly<Record<(typeof types)[number], readonly string[]>> = {
  bind: ['source', 'bind-propagation', 'bind-recursive'],
  volume: ['source', 'volume-nocopy', 'volume-label', 'volume-opt', 'volume-driver'],
  disk: ['source', 'format', 'fstype', 'partition'],
  nfs: ['source', 'o'],
  tmpfs: ['tmpfs-size', 'tmpfs-mode'],
};
const everywhere = ['type', 'target', 'readonly', 'consistency'];

/** `type=bind,source=…,target=…,readonly` of --mount, as docker's: fields of a line of CSV. */
export function parseMount(text: string): ParsedMount {
  const fail = (why: string): never => {
    throw new UsageError(`--mount is '${text}': ${why}`);
  };
  const fields = fieldsOf(text, fail);
  const one = (key: string): string | undefined => fields.get(key)?.at(-1);
  const type = types.find((each) => each === (one('type') ?? 'volume'));
  if (type === undefined) return fail(`invalid mount type '${one('type') ?? ''}': give ${types.join(', ')}`);
  for (const key of fields.keys()) {
    if (everywhere.includes(key) || keysOf[type].includes(key)) continue;
    if (Object.values(keysOf).flat().includes(key)) return fail(`cannot mix '${key}' with mount type '${type}'`);
    return fail(`unexpected key '${key}'`);
  }
  const target = one('target');
  if (target === undefined || target === '') return fail('target is required');
  checkTarget('--mount', text, target);
  const readOnly = flag('readonly', one('readonly'), fail);
  if (type === 'tmpfs') return { tmpfs: { path: target, options: tmpfsOptions(one, readOnly, fail) } };
  const source = one('source');
  if (type !== 'volume') {
    if (source === undefined || source === '') {
      return fail(`invalid mount config for type "${type}": field Source must not be empty`);
    }
    if (type === 'nfs') {
      const options = fields.get('o')?.join(',');
      return { mount: { type, source, target, readOnly, ...(options === undefined ? {} : { options }) } };
    }
    const given = { source: hostPath(source), target, readOnly };
    return { mount: type === 'bind' ? { type, ...given } : { type, ...given, ...diskOptions(one, fail) } };
  }
  if (![undefined, '', 'local'].includes(one('volume-driver'))) return fail('there is no volume driver but local');
  const labels = pairs(fields.get('volume-label') ?? []);
  const options = pairs(fields.get('volume-opt') ?? []);
  const noCopy = flag('volume-nocopy', one('volume-nocopy'), fail);
  return {
    mount: {
      type,
      ...(source === undefined || source === '' ? {} : { source }),
      target,
      readOnly,
      noCopy,
      labels,
      options,
    },
  };
}

type Fail = (why: string) => never;
type Disk = Extract<Mount, { readonly type: 'disk' }>;

function diskOptions(
  one: (key: string) => string | undefined,
  fail: Fail,
): Pick<Disk, 'format' | 'fstype' | 'partition'> {
  const [format, fstype, partition] = [one('format'), one('fstype'), one('partition')];
  if (format !== undefined && format !== 'raw' && format !== 'qcow2') {
    return fail(`invalid value for format: ${format}: give raw or qcow2`);
  }
  if (partition !== undefined && !/^[1-9]\d*$/.test(partition)) {
    return fail(`invalid value for partition: ${partition}: give its number, from 1`);
  }
  return {
    ...(format === undefined ? {} : { format }),
    ...(fstype === undefined ? {} : { fstype }),
    ...(partition === undefined ? {} : { partition: Number(partition) }),
  };
}

function fieldsOf(text: string, fail: Fail): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  for (const field of splitCsv(text, fail)) {
    const [name = ''] = field.split('=', 1);
    const lower = name.trim().toLowerCase();
    const key = canonical[lower] ?? lower;
    const bare = !field.includes('=');
    if (bare && key !== 'readonly' && key !== 'volume-nocopy') {
      return fail(`invalid field '${field}' must be a key=value pair`);
    }
    fields.set(key, [...(fields.get(key) ?? []), bare ? 'true' : field.slice(name.length + 1)]);
  }
  return fields;
}

/** One record of RFC 4180: a field that holds a comma stands in quotes, a quote in it is doubled. */
function splitCsv(text: string, fail: Fail): string[] {
  const fields: string[] = [];
  let rest = text;
  for (;;) {
    const match = /^(?:"((?:[^"]|"")*)"|([^",]*))(?=,|$)/.exec(rest);
    if (match === null) return fail('a quote stands where none can');
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[0].length === rest.length) return fields;
    rest = rest.slice(match[0].length + 1);
  }
}

function flag(key: string, value: string | undefined, fail: Fail): boolean {
  if (value === undefined) return false;
  if (['1', 't', 'true'].includes(value.toLowerCase())) return true;
  return ['0', 'f', 'false'].includes(value.toLowerCase()) ? false : fail(`invalid value for ${key}: ${value}`);
}

function pairs(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((each) => {
      const [name = ''] = each.split('=', 1);
      return [name, each.slice(name.length + 1)];
    }),
  );
}

function tmpfsOptions(one: (key: string) => string | undefined, readOnly: boolean, fail: Fail): string {
  const [size, mode] = [one('tmpfs-size'), one('tmpfs-mode')];
  const plain = size === undefined ? undefined : /^(\d+[kmg]?)b?$/i.exec(size)?.[1];
  if (size !== undefined && plain === undefined) return fail(`invalid value for tmpfs-size: ${size}`);
  if (mode !== undefined && !/^[0-7]{1,5}$/.test(mode)) return fail(`invalid value for tmpfs-mode: ${mode}`);
  const words = [
    readOnly ? 'ro' : '',
    plain === undefined ? '' : `size=${plain}`,
    mode === undefined ? '' : `mode=${mode}`,
  ];
  return words.filter((word) => word !== '').join(',');
}
