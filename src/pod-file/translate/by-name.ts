import { didYouMean } from '../close-match.ts';
import { showFound } from '../found.ts';
import { type FieldPath, type Problems, showPath } from '../problems.ts';

/** What a list's things are called, each with its place; a name that comes twice is a problem. */
export function byName<T>(
  list: readonly T[],
  nameOf: (item: T) => string | undefined,
  placeOf: (index: number) => FieldPath,
  problems: Problems,
): Map<string, { readonly item: T; readonly at: FieldPath }> {
  const named = new Map<string, { readonly item: T; readonly at: FieldPath }>();
  list.forEach((item, index) => {
    const name = nameOf(item);
    if (name === undefined) return;
    const first = named.get(name);
    if (first === undefined) named.set(name, { item, at: placeOf(index) });
    else problems.add(placeOf(index), `must be unique, and ${showFound(name)} is also ${showPath(first.at)}`);
  });
  return named;
}

/** Notes a value that a container may have once; the second is a problem. */
export function noteOnce(seen: Set<string>, value: string, at: FieldPath, problems: Problems): void {
  if (seen.has(value)) problems.add(at, `must be unique in a container, found ${showFound(value)} again`);
  seen.add(value);
}

/** What a reference means; one that means nothing is a problem. */
export function lookUp<T>(
  named: ReadonlyMap<string, { readonly item: T }>,
  name: string,
  { at, list }: { readonly at: FieldPath; readonly list: string },
  problems: Problems,
): T | undefined {
  const found = named.get(name);
  if (found !== undefined) return found.item;
  const names = problems.areMany ? [] : [...named.keys()];
  const advice = didYouMean(name, names) || (named.size === 0 ? `: there are no ${list}` : '');
  problems.add(at, `must be one of the pod's ${list}, found ${showFound(name)}${advice}`);
  return undefined;
}
