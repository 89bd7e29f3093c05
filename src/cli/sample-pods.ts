import type { HyperClient } from '../client/index.ts';
import type { Pod, PodStats } from '../contract/index.ts';
import { HyperError } from '../lib/errors.ts';

/** A guest answers in milliseconds; one under emulation on a busy host in a second. */
const patienceMs = 2500;

/** What pods use at one time. */
export interface Sample {
  readonly answered: readonly PodStats[];
  /** Their guests have not answered in time. */
  readonly silent: readonly Pod[];
  /** Those that do not run, or have containers that do not, where these were asked for. */
  readonly idle: readonly Pod[];
}

/**
 * Asks those named, each of which must run; else all that do. Each is asked by itself: one whose VM hangs keeps nobody from
 * knowing the others.
 *
 * @param all of those that do not run as well
 * @throws HyperError why one that is named cannot be asked
 */
export async function samplePods(client: HyperClient, named: readonly string[], all: boolean): Promise<Sample> {
  const runs = ({ state }: Pod): boolean => state === 'running';
  const known = await knownPods(client, named, all);
  const pods = known?.filter(runs) ?? named;
  const asked = pods.map(async (pod): Promise<Omit<Sample, 'idle'>> => {
    const text = typeof pod === 'string' ? pod : pod.id;
    const patience = AbortSignal.timeout(patienceMs);
    try {
      return { answered: [await client.podStats(text, { signal: patience })], silent: [] };
    } catch (error) {
      // hyperd itself has given its guest up, or we have.
      const isSilent = patience.aborted || (error instanceof HyperError && error.code === 'timeout');
      if (isSilent) return { answered: [], silent: [typeof pod === 'string' ? await client.podInspect(pod) : pod] };
      if (typeof pod !== 'string' && hasEnded(error)) return { answered: [], silent: [] };
      throw error;
    }
  });
  const samples = await Promise.all(asked);
  return {
    answered: samples.flatMap(({ answered }) => answered),
    silent: samples.flatMap(({ silent }) => silent),
    idle: all && known !== undefined ? known : [],
  };
}

/** undefined: those that are named are to be asked as they are. */
async function knownPods(
  client: HyperClient,
  named: readonly string[],
  all: boolean,
): Promise<readonly Pod[] | undefined> {
  if (named.length === 0) return await client.podList();
  return all ? await Promise.all(named.map((name) => client.podInspect(name))) : undefined;
}

function hasEnded(error: unknown): boolean {
  return error instanceof HyperError && ['conflict', 'not_found', 'vm_failed'].includes(error.code);
}
