import type { Command } from 'commander';
import type { HyperClient } from '../client/index.ts';
import type { Pod } from '../contract/index.ts';
import { HyperError } from '../lib/errors.ts';
import { parseWhole } from './values/container-values.ts';

export interface WaitOptions {
  readonly wait?: boolean;
  readonly waitTimeout?: number;
}

/** docker compose's. */
export function addWaitOptions(command: Command): Command {
  return command
    .option('--wait', 'wait until its containers are ready: they run, and their health checks and probes say so')
    .option('--wait-timeout <seconds>', 'wait no longer (with --wait)', (text) =>
      parseWhole(text, '--wait-timeout', 1),
    );
}

/**
 * Resolves when all containers of a pod that was started are ready. Init containers run before that.
 *
 * @throws HyperError `conflict` when one has ended or is unhealthy, `not_found` when the pod was removed, `timeout`
 */
export async function awaitReady(client: HyperClient, pod: string, { waitTimeout }: WaitOptions): Promise<void> {
  const ended = new AbortController();
  const timer = setTimeout(() => ended.abort(), (waitTimeout ?? 0) * 1000);
  if (waitTimeout === undefined) clearTimeout(timer);
  try {
    const since = String(Math.floor(Date.now() / 1000)); // what happens from here on is among the events
    const found = await client.podInspect(pod);
    if (isReady(found)) return;
    for await (const { id, podId } of client.eventList({ since, follow: true, signal: ended.signal })) {
      if (id !== found.id && podId !== found.id) continue;
      if (isReady(await client.podInspect(found.id))) return;
    }
    throw new HyperError('unavailable', `hyperd ended before pod ${pod} was ready: see 'hyper list'`);
  } catch (error) {
    if (!ended.signal.aborted) throw error;
    throw new HyperError('timeout', `pod ${pod} is not ready after ${waitTimeout ?? 0} s: see 'hyper inspect ${pod}'`);
  } finally {
    clearTimeout(timer);
    ended.abort();
  }
}

function isReady({ name, state, restarting, reason, containers }: Pod): boolean {
  if ((state === 'failed' || state === 'succeeded') && !restarting) {
    throw new HyperError(
      'conflict',
      `pod ${name} has ended before it was ready${reason === null ? '' : `: ${reason}`}`,
    );
  }
  const awaited = containers.filter(({ init }) => !init);
  const unwell = awaited.find(({ health }) => health?.status === 'unhealthy');
  if (unwell?.state === 'running') {
    const last = unwell.health?.log.at(-1)?.output.trim().split('\n')[0] ?? '';
    throw new HyperError('conflict', `container ${unwell.name} is unhealthy${last === '' ? '' : `: ${last}`}`);
  }
  const over = awaited.find((each) => ['failed', 'succeeded'].includes(each.state) && !each.restarting);
  if (over !== undefined) throw new HyperError('conflict', `container ${over.name} has ended before it was ready`);
  return awaited.every(({ ready }) => ready);
}
