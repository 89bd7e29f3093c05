import type { FieldPath, Problems } from '../problems.ts';
import { didYouMean } from '../close-match.ts';
import { showFound } from '../found.ts';
import { hasNul } from '../nul.ts';
import type { ConfigData } from './config-data.ts';
import type { Container, InitContainer, ValueFrom } from './container-fields.ts';
import type { References } from './references.ts';

/** A container's variables in their order: whole ConfigMaps and Secrets first, then each of its own, which may refer to those before it. */
export function translateEnvironment(
  { env = [], envFrom = [] }: Container | InitContainer,
  { data, references }: { readonly data: ConfigData; readonly references: References },
  at: FieldPath,
  problems: Problems,
): Map<string, string> {
  const variables = new Map<string, string>();
  const take = (name: string, value: string, place: FieldPath): void => {
    if (value.includes('\0')) problems.add(place, hasNul);
    else variables.set(name, references.take(value));
  };
  envFrom.forEach(({ prefix = '', configMapRef, secretRef }, index) => {
    const place = [...at, 'envFrom', index];
    if ((configMapRef === undefined) === (secretRef === undefined)) {
      problems.add(place, 'must have one of configMapRef and secretRef');
      return;
    }
    const entries =
      configMapRef === undefined
        ? data.find({ kind: 'Secret', name: '', ...secretRef }, [...place, 'secretRef', 'name'], problems)
        : data.find({ kind: 'ConfigMap', ...configMapRef }, [...place, 'configMapRef', 'name'], problems);
    for (const [key, bytes] of entries ?? []) take(`${prefix}${key}`, bytes.toString('utf8'), place);
  });
  env.forEach(({ name, value, valueFrom }, index) => {
    const place = [...at, 'env', index];
    if (valueFrom === undefined) {
      variables.set(name, references.expand(value ?? '', variables));
    } else if (value !== undefined) {
      problems.add([...place, 'value'], 'cannot stand beside valueFrom: give one of them');
    } else {
      const given = valueOf(valueFrom, data, [...place, 'valueFrom'], problems);
      if (given !== undefined) take(name, given, [...place, 'valueFrom']);
    }
  });
  return variables;
}

function valueOf(
  { configMapKeyRef, secretKeyRef }: ValueFrom,
  data: ConfigData,
  at: FieldPath,
  problems: Problems,
): string | undefined {
  if ((configMapKeyRef === undefined) === (secretKeyRef === undefined)) {
    problems.add(at, 'must have one of configMapKeyRef and secretKeyRef');
    return undefined;
  }
  const [kind, field] =
    configMapKeyRef === undefined ? (['Secret', 'secretKeyRef'] as const) : (['ConfigMap', 'configMapKeyRef'] as const);
  const { name = '', key = '', optional = false } = configMapKeyRef ?? secretKeyRef ?? {};
  const entries = data.find({ kind, name, optional }, [...at, field, 'name'], problems);
  const bytes = entries?.get(key);
  if (bytes === undefined && entries !== undefined && !optional) {
    problems.add(
      [...at, field, 'key'],
      `must be a key of that ${kind}, found ${showFound(key)}${didYouMean(key, [...entries.keys()])}`,
    );
  }
  return bytes?.toString('utf8');
}
