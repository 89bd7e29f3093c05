import type { AttachHandlers, AttachSession, OutputStream } from '../../client/index.ts';
import { DetachScanner, parseDetachKeys } from './detach-keys.ts';
import { isTerminal, terminalSize } from './foreground.ts';
import { pumpInput } from './input-pump.ts';
import { OutputSink } from './output-sink.ts';
import { exitCodeOfSignal, onEndingSignals, proxySignals } from './signal-proxy.ts';
import type { TerminalMode } from './terminal-mode.ts';
import { warn } from '../warn.ts';
import { stderr, stdout } from '../standard-streams.ts';

/** How long hyperd may take to remove what a signal has made needless. */
const abandonMs = 2000;

export interface AttachedProcess {
  open(handlers: AttachHandlers): Promise<AttachSession>;
  /** The process has a tty. */
  readonly tty: boolean;
  /** Our stdin is the process's. */
  readonly stdin: boolean;
  readonly detachKeys: string;
  /** It runs already: nothing will say `started`. */
  readonly running: boolean;
  /** Undoes what was begun when a signal ends us before the process has started. */
  abandon?(): Promise<void>;
}

/**
 * Connects the standard streams and the terminal with a process until it ends or the user detaches.
 *
 * @returns the process's exit code; 0 after a detach.
 */
export async function runAttached(attached: AttachedProcess): Promise<number> {
  const leaving = new AbortController();
  try {
    return await attach(attached, leaving);
  } catch (error) {
    // Undoing what was begun makes it fail: the signal's exit code says it all, and is on its way.
    if (leaving.signal.aborted) await new Promise<never>(() => undefined);
    throw error;
  }
}

async function attach(attached: AttachedProcess, leaving: AbortController): Promise<number> {
  const keys = parseDetachKeys(attached.detachKeys);
  using cleanup = new DisposableStack();
  const stopWaiting = leaveOnSignalBeforeStart(attached, leaving);
  cleanup.defer(stopWaiting);
  const terminal = attached.tty && attached.stdin && isTerminal(0) ? await terminalMode() : null;
  if (terminal !== null) cleanup.defer(terminal.restore);

  const hangup = (stream: OutputStream) => (reason: string | null) => {
    if (reason !== null) stderr().write(`hyper: cannot write to ${stream}: ${reason}\n`);
    // Where opening fails, the caller hears of it below.
    opening.then((session) => session.hangup(stream)).catch(() => undefined);
  };
  /** Opened while hyperd starts the process, or when it writes: nothing waits for it. */
  const sinks = (): Readonly<Record<OutputStream, OutputSink>> =>
    (opened ??= {
      stdout: new OutputSink(stdout(), hangup('stdout')),
      stderr: new OutputSink(stderr(), hangup('stderr')),
    });
  let opened: Readonly<Record<OutputStream, OutputSink>> | undefined;
  const started = Promise.withResolvers<void>();
  const left = Promise.withResolvers<number>();
  // At once: what the process writes first must find the terminal raw, and who reads it may answer with a signal.
  const begin = (warnings: readonly string[]): void => {
    warn(...warnings);
    terminal?.makeRaw();
    // A raw terminal's own signals travel as bytes: what still comes to us as a signal is for us.
    cleanup.defer(
      terminal === null
        ? proxySignals(opening, left.resolve)
        : onEndingSignals((signal) => left.resolve(exitCodeOfSignal(signal))),
    );
    // Only now: a signal that came without a listener between the two would be lost.
    stopWaiting();
    started.resolve();
  };
  const opening = attached.open({
    started: (_id, warnings) => begin(warnings),
    output: (stream, chunk) => sinks()[stream].write(chunk),
  });
  const session = await opening;
  const { stdout: out, stderr: err } = sinks();
  if (attached.running) begin([]);

  await Promise.race([started.promise, session.exit]);
  if (attached.tty) cleanup.defer(followSize(session));
  if (attached.stdin) {
    cleanup.defer(pumpInput(process.stdin, session, terminal === null ? null : new DetachScanner(keys)));
  }

  const ended = session.exit.then((end) => (end.type === 'exit' ? end.exitCode : 0));
  const exitCode = await Promise.race([ended, left.promise]);
  await Promise.race([Promise.all([out.flush(), err.flush()]), left.promise]);
  return exitCode;
}

/** What starts stty is loaded where there is a terminal only. */
async function terminalMode(): Promise<TerminalMode> {
  const { TerminalMode: Mode } = await import('./terminal-mode.ts');
  return new Mode();
}

/** Until the process has started, a signal means: never mind. */
function leaveOnSignalBeforeStart(attached: AttachedProcess, leaving: AbortController): () => void {
  const stop = onEndingSignals((signal) => {
    stop();
    leaving.abort();
    const leave = (): void => process.exit(exitCodeOfSignal(signal));
    // A daemon that does not answer must not hold us; a second signal ends us at once, unhandled.
    setTimeout(leave, abandonMs).unref();
    (attached.abandon?.() ?? Promise.resolve()).then(leave, leave);
  });
  return stop;
}

function followSize(session: AttachSession): () => void {
  const send = (): void => {
    const size = terminalSize();
    if (size !== undefined) session.resize(size);
  };
  send();
  stdout().on('resize', send);
  return () => stdout().off('resize', send);
}
