import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stillRuns, type ProcessIdentity } from '../../src/lib/process-identity.ts';
import { NetworkSide } from '../network/namespaces.ts';

/** What a user's hyperd leaves for the next one: what keeps its namespaces, and what joins them to the host. */
export interface Keepers {
  readonly holder: ProcessIdentity;
  readonly outside: { readonly tool: string; readonly process: ProcessIdentity; readonly apiSocket: string } | null;
}

/** @param run a hyperd's run folder; null: it has made no namespaces. */
export function keepersOf(run: string): Keepers | null {
  try {
    return JSON.parse(readFileSync(join(run, 'holder.json'), 'utf8')) as Keepers;
  } catch {
    return null; // none, or not written yet
  }
}

const holderOf = (run: string): string => String(keepersOf(run)?.holder.pid);

/** What to put before a command of the user's that is to run in the namespaces of their hyperd. */
export function enteringNamespacesOf(run: string): readonly string[] {
  return ['nsenter', '--user', '--mount', '--net', '--preserve-credentials', `--target=${holderOf(run)}`, '--'];
}

/** The network namespace of a user's hyperd, for root's commands. */
export function networkOf(run: string): NetworkSide {
  return new NetworkSide(['nsenter', `--net=/proc/${holderOf(run)}/ns/net`]);
}

/** Ends them, as a restart of the machine does. */
export async function endKeepers(run: string): Promise<void> {
  const keepers = keepersOf(run);
  for (const one of [keepers?.holder, keepers?.outside?.process]) {
    if (one !== undefined && (await stillRuns(one))) process.kill(one.pid, 'SIGKILL');
  }
}
