import { readFile } from 'node:fs/promises';

/** A process, told apart from a later one with the same pid by when it started. */
export interface ProcessIdentity {
  readonly pid: number;
  /** In clock ticks since boot: field 22 of /proc/PID/stat (proc(5)). */
  readonly startTime: string;
}

/** The process that has this pid now, or undefined when there is none or it has ended (a zombie). */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  let stat: string;
  try {
    stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined; // ENOENT, or ESRCH when it goes between open and read
  }
  // The name is in parentheses and may hold anything: the fields are behind the last one.
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const startTime = fields[18];
  return startTime === undefined || state === 'Z' || state === 'X' ? undefined : { pid, startTime };
}

/** Whether that very process still runs. */
export async function stillRuns({ pid, startTime }: ProcessIdentity): Promise<boolean> {
  return (await identifyProcess(pid))?.startTime === startTime;
}

/** Sends a signal if that very process still runs. */
export async function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): Promise<void> {
  if (!(await stillRuns(identity))) return;
  try {
    process.kill(identity.pid, signal);
  } catch {
    // it ended in between
  }
}
