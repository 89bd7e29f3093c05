/** Waits until none of them is under way any more, then rejects with the first failure in their order. */
export async function allDone(works: readonly Promise<unknown>[]): Promise<void> {
  for (const each of await Promise.allSettled(works)) if (each.status === 'rejected') throw each.reason;
}
