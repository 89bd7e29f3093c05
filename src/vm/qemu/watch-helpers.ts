import { type ProcessIdentity, stillRuns } from '../../lib/process-identity.ts';

/** Nobody tells of the end of a process that an earlier hyperd has started: it is looked for so often. */
const intervalMs = 500;

/** Calls `ended` once when one of these processes has gone. Returns what ends the watch. */
export function watchHelpers(helpers: readonly ProcessIdentity[], ended: () => void): () => void {
  if (helpers.length === 0) return () => undefined;
  const look = async (): Promise<void> => {
    const alive = await Promise.all(helpers.map(stillRuns));
    if (alive.every(Boolean)) return;
    clearInterval(timer);
    ended();
  };
  const timer = setInterval(() => void look(), intervalMs).unref();
  void look();
  return () => clearInterval(timer);
}
