/** Step to milliseconds, in order. */
export type Steps = ReadonlyMap<string, number>;

/**
 * Reads what `hyper run --timing` prints. The client's own steps are in it as the shipped program took them, hyperd's as
 * its `started` event told.
 */
export function parseTiming(printed: string): Steps {
  const lines = printed.split('\n');
  const head = lines.findIndex((line) => /^STEP\b.*\bMS$/.test(line));
  const steps = new Map<string, number>();
  for (const line of head === -1 ? [] : lines.slice(head + 1)) {
    const [, name, milliseconds] = /^(\S.*?)\s{2,}(-?\d+\.\d)$/.exec(line) ?? [];
    if (name === undefined || name === 'total') break;
    steps.set(name, (steps.get(name) ?? 0) + Number(milliseconds));
  }
  if (steps.size === 0) throw new Error(`no steps in what --timing printed: ${printed}`);
  return steps;
}

/** Steps of several lists as one, each after those that it follows in any of them. */
export function mergeOrder(lists: readonly (readonly string[])[]): string[] {
  const merged: string[] = [];
  for (const list of lists) {
    let after = -1;
    for (const name of list) {
      const known = merged.indexOf(name);
      if (known === -1) merged.splice(++after, 0, name);
      else after = Math.max(after, known);
    }
  }
  return merged;
}
