import { messageOf } from '../lib/errors.ts';

/** What was removed of what nobody uses, and what could not be. */
export interface Pruned {
  readonly removed: string[];
  readonly failed: { readonly name: string; readonly reason: string }[];
}

/** One that cannot be removed does not keep the others.  @param remove false: it is in use */
export async function pruneEach(names: readonly string[], remove: (name: string) => Promise<boolean>): Promise<Pruned> {
  const pruned: Pruned = { removed: [], failed: [] };
  for (const name of names) {
    try {
      if (await remove(name)) pruned.removed.push(name);
    } catch (error) {
      pruned.failed.push({ name, reason: messageOf(error) });
    }
  }
  return pruned;
}
