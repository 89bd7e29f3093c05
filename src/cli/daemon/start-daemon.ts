import { spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { ApiFailure, noDaemonMessage } from '../../client/index.ts';
import { makeFolders } from '../../lib/make-folders.ts';
import { daemonLogIn, socketIn } from '../../lib/paths.ts';
import { answers } from './socket-probe.ts';

const startLimitMs = 30_000;
const retryMs = 20;
const shownLogLines = 5;
/** EX_TEMPFAIL of sysexits.h: another hyperd holds the lock. It is as good as ours. */
const lostTheRace = 75;

export interface DaemonStart {
  readonly hyperd: string | undefined;
  readonly run: string;
  readonly note: (line: string) => void;
}

/**
 * Starts hyperd on its own, so that it outlives us, and waits until its socket answers. When two CLIs do this at once the daemon's
 * own lock lets one win; both go on with that one.
 */
export async function startDaemon(start: DaemonStart): Promise<void> {
  const { hyperd, run, note } = start;
  if (hyperd === undefined) {
    throw new ApiFailure(
      'unavailable',
      `${noDaemonMessage} No hyperd was found to start: put it beside hyper or on the PATH`,
    );
  }
  note(`hyper: starting hyperd (log: ${daemonLogIn(run)})`);
  await makeFolders(run, 0o700);
  const log = openSync(daemonLogIn(run), 'a', 0o600);
  const logStart = fstatSync(log).size;
  const child = spawn(hyperd, [], { detached: true, stdio: ['ignore', log, log], cwd: '/' });
  closeSync(log);
  let failure: string | undefined;
  child.on('error', (error) => {
    failure = `cannot run ${hyperd}: ${error.message}`;
  });
  child.on('exit', (code, signal) => {
    if (code === 0 || code === lostTheRace) return;
    failure = signal === null ? `hyperd ended with exit code ${code ?? 1}` : `hyperd was ended by ${signal}`;
  });
  const deadline = performance.now() + startLimitMs;
  while (!(await answers(socketIn(run)))) {
    if (performance.now() > deadline) failure ??= `hyperd did not answer within ${startLimitMs / 1000} s`;
    if (failure !== undefined) {
      throw new ApiFailure('unavailable', `${failure}: ${lastLines(daemonLogIn(run), logStart)}`);
    }
    // No event tells that a socket began to listen.
    await delay(retryMs);
  }
  child.unref();
}

/** What hyperd wrote since `from`, its last lines in one. */
function lastLines(file: string, from: number): string {
  const lines = readFileSync(file).subarray(from).toString('utf8').trimEnd().split('\n');
  const shown = lines.slice(-shownLogLines).join(' | ');
  return shown === '' ? `its log ${file} is empty` : `its log ${file} says: ${shown}`;
}
