import { Buffer } from 'node:buffer';
import { decodeBase64 } from '../decode-base64.ts';
import { didYouMean } from '../close-match.ts';
import { showFound } from '../found.ts';
import { type FieldPath, type Problems } from '../problems.ts';
import { checkFields } from '../schema/field-errors.ts';
import { ConfigMap, Secret } from './config-fields.ts';

export type ConfigKind = 'ConfigMap' | 'Secret';
export type ConfigEntries = ReadonlyMap<string, Buffer>;

/** The ConfigMaps and Secrets that stand in the same file as the Pod. */
export class ConfigData {
  readonly #known = new Map<string, ConfigEntries>();

  /** Takes a document of the file. */
  add(kind: ConfigKind, document: unknown, at: FieldPath, problems: Problems): void {
    const read = kind === 'ConfigMap' ? readConfigMap(document, at, problems) : readSecret(document, at, problems);
    if (read === undefined) return;
    const { name, entries } = read;
    const key = `${kind} ${name}`;
    if (this.#known.has(key))
      problems.add([...at, 'metadata', 'name'], `must be unique, found ${showFound(name)} again`);
    this.#known.set(key, entries);
  }

  /** What a reference means; one that means nothing is a problem, unless it is optional. */
  find(
    {
      kind,
      name,
      optional,
    }: { readonly kind: ConfigKind; readonly name: string; readonly optional?: boolean | undefined },
    at: FieldPath,
    problems: Problems,
  ): ConfigEntries | undefined {
    const entries = this.#known.get(`${kind} ${name}`);
    if (entries !== undefined || optional === true) return entries;
    const known = problems.areMany ? [] : [...this.#known.keys()];
    const names = known.flatMap((key) => (key.startsWith(`${kind} `) ? key.slice(kind.length + 1) : []));
    const hint =
      didYouMean(name, names) || `: there is no cluster to ask, so put the ${kind} into the file, after a line ---`;
    problems.add(at, `must be a ${kind} of this file, found ${showFound(name)}${hint}`);
    return undefined;
  }
}

interface Named {
  readonly name: string;
  readonly entries: ConfigEntries;
}

function readConfigMap(document: unknown, at: FieldPath, problems: Problems): Named | undefined {
  const map = checkFields(ConfigMap, document, at, problems);
  if (map === undefined) return undefined;
  const { metadata, data = {}, binaryData = {} } = map;
  return named(metadata.name, at, problems, [
    ...inText(data),
    ...inBase64(binaryData, [...at, 'binaryData'], problems),
  ]);
}

function readSecret(document: unknown, at: FieldPath, problems: Problems): Named | undefined {
  const secret = checkFields(Secret, document, at, problems);
  if (secret === undefined) return undefined;
  const { metadata, data = {}, stringData = {} } = secret;
  return named(metadata.name, at, problems, [...inBase64(data, [...at, 'data'], problems), ...inText(stringData)]);
}

function named(
  name: string | undefined,
  at: FieldPath,
  problems: Problems,
  entries: readonly (readonly [string, Buffer])[],
): Named | undefined {
  if (name !== undefined) return { name, entries: new Map(entries) };
  problems.add([...at, 'metadata', 'name'], 'is missing: it must be text');
  return undefined;
}

const inText = (data: Readonly<Record<string, string>>): [string, Buffer][] =>
  Object.entries(data).map(([key, text]) => [key, Buffer.from(text, 'utf8')]);

function inBase64(data: Readonly<Record<string, string>>, at: FieldPath, problems: Problems): [string, Buffer][] {
  return Object.entries(data).flatMap(([key, text]): [string, Buffer][] => {
    const bytes = decodeBase64(text);
    if (bytes !== undefined) return [[key, bytes]];
    problems.add([...at, key], 'must be base64'); // without what was found: it may be a secret
    return [];
  });
}
