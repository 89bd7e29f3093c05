/** The property when it has a value. */
export function given<K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> {
  const property: Partial<Record<K, V>> = {};
  if (value !== undefined) property[key] = value;
  return property;
}
