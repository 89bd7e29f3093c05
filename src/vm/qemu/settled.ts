import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessIdentity } from '../../lib/process-identity.ts';

/** proc(5) counts a process's time in hundredths of a second. An idle guest under emulation takes 0.4 %. */
const idleMs = 200;
const idleTicks = 1;
/** A guest that is never idle is as good as it is. */
const atMostMs = 3000;

/**
 * Resolves when a guest has come to rest: what its kernel does in the background after what was asked of it (RCU, work
 * queues), each clone would else do again, before it answers.
 */
export async function settled({ pid }: ProcessIdentity, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + atMostMs;
  for (let before = await usedTicks(pid); performance.now() < deadline;) {
    await delay(idleMs, undefined, { signal });
    const now = await usedTicks(pid);
    if (now - before <= idleTicks) return;
    before = now;
  }
}

/** The processor time of all its threads: utime and stime, behind the name in brackets. */
async function usedTicks(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
