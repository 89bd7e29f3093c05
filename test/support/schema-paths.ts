interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  /** Another spelling of a field. */
  readonly $ref?: string;
  readonly description?: string;
  /** So marked by us (src/pod-file/schema/fields.ts). */
  readonly refused?: unknown;
}

const isRefused = ({ description = '', refused }: Node): boolean =>
  refused === true || description.startsWith('is not supported: ');

/** The paths of all fields that an object can have by its JSON Schema, but for what is refused: `containers[].image`. */
export function schemaPaths(schema: Node, at = ''): string[] {
  if (isRefused(schema)) return [];
  const inItems = schema.items === undefined ? [] : schemaPaths(schema.items, `${at}[]`);
  const inChoices = (schema.anyOf ?? []).flatMap((each) => schemaPaths(each, at));
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    if (isRefused(field) || field.$ref !== undefined) return [];
    const path = at === '' ? name : `${at}.${name}`;
    return [path, ...schemaPaths(field, path)];
  });
  return [...new Set([...own, ...inItems, ...inChoices])];
}

/** Those that an object has. */
export function usedPaths(value: unknown, at = ''): string[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((each) => usedPaths(each, `${at}[]`));
  return Object.entries(value).flatMap(([name, field]: [string, unknown]) => {
    const path = at === '' ? name : `${at}.${name}`;
    return [path, ...usedPaths(field, path)];
  });
}
