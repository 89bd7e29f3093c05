import { constants } from 'node:os';
import type { AttachSession } from '../../client/index.ts';

/** What `kill` and a keyboard send. STOP and KILL cannot be caught; TSTP stops the client, as anyone expects of ^Z. */
const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGALRM'] as const;
const ending = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
/** As docker: the third that goes unanswered ends the client. */
const unansweredLimit = 3;

/** The shell's exit code for a death by signal. */
export function exitCodeOfSignal(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}

/**
 * Without a tty signals to us are the process's. Each is sent with a ping: when hyperd answers none of three
 * SIGINTs or SIGTERMs, the client gives up.
 *
 * @returns stops it.
 */
export function proxySignals(opening: Promise<AttachSession>, giveUp: (exitCode: number) => void): () => void {
  let unanswered = 0;
  return onSignals(forwarded, (signal) => {
    const sent = opening.then((session) => {
      session.signal(signal);
      return session;
    });
    sent.catch(() => undefined); // the caller hears of it
    if (signal !== 'SIGINT' && signal !== 'SIGTERM') return;
    unanswered += 1;
    if (unanswered >= unansweredLimit) giveUp(exitCodeOfSignal(signal));
    void sent
      .then((session) => session.ping())
      .then(
        () => (unanswered = 0),
        () => undefined,
      );
  });
}

/** Calls `leave` on the first signal that asks us to go. */
export function onEndingSignals(leave: (signal: NodeJS.Signals) => void): () => void {
  return onSignals(ending, leave);
}

function onSignals(signals: readonly NodeJS.Signals[], act: (signal: NodeJS.Signals) => void): () => void {
  const listeners = signals.map((signal) => {
    const listener = (): void => act(signal);
    process.on(signal, listener);
    return () => process.off(signal, listener);
  });
  return () => listeners.forEach((remove) => remove());
}
