import type { ExitEvent, StreamPosition } from '../guest/index.ts';
import { HyperError, messageOf } from '../lib/errors.ts';
import { signalNumber } from '../lib/signals.ts';
import type { ContainerRecord, PodRecord } from '../store/index.ts';
import type { AttachClient, Attachment } from './attachment.ts';
import { defaultCapabilities } from './capabilities.ts';
import { ContainerLog } from './container-log.ts';
import { type LogQuery, readLog } from './log-reader.ts';
import type { EngineOptions } from './pod-context.ts';
import { HealthLog } from './health/index.ts';
import { logPath, type PodRun } from './pod-run.ts';
import { checkTransition } from './pod-states.ts';
import { ProcessOutput } from './process-output.ts';
import { startFailureExitCode } from './start-failure.ts';
import { agentRlimit } from './ulimits.ts';

/** How a container came to its end. `error`: why there is no true exit code. */
export interface ContainerResult {
  readonly exitCode: number;
  readonly error: HyperError | null;
}

/** Its first process, from before its start to its end. */
interface Process {
  readonly run: PodRun;
  readonly number: number;
  readonly output: ProcessOutput;
  readonly exit: Promise<ExitEvent>;
}

/** What is known of the health of a process that nobody has asked. */
const unasked = { health: null, passed: { startup: false, readiness: false } } as const;

/** A container of a pod: its record, its log, who is attached; and its first process, while there is one. */
export class Container {
  readonly record: ContainerRecord;
  readonly pod: PodRecord;
  readonly #options: EngineOptions;
  readonly #clients = new Set<AttachClient>();
  /** Who is to be attached once it has started. */
  readonly #expected = new Set<AttachClient>();
  #log: ContainerLog | undefined;
  #process: Process | undefined;
  #finished = Promise.withResolvers<ContainerResult>();
  /** Settles when its process runs, or will not any more. */
  #begun = Promise.withResolvers<Process | undefined>();
  /** Its end is asked for: no policy starts it again. */
  stopping: boolean;
  /** The ids of its execs that run. */
  readonly execs = new Set<string>();
  /** What its health check has said lately. */
  readonly healthLog = new HealthLog();

  constructor(record: ContainerRecord, pod: PodRecord, options: EngineOptions) {
    this.record = record;
    this.pod = pod;
    this.#options = options;
    this.stopping = record.stopping !== null || pod.stopping !== null;
    const { state, error, restarting } = record;
    if (!restarting && (state === 'succeeded' || state === 'failed')) {
      const failure = error === null ? null : new HyperError('vm_failed', error);
      this.#finished.resolve({ exitCode: this.exitCode, error: failure });
    }
  }

  /** Of its last process; 255 where that has none. */
  get exitCode(): number {
    return this.record.exitCode ?? 255;
  }

  get running(): boolean {
    return this.record.state === 'running' && this.#process !== undefined;
  }

  /** Resolves when it has ended, and nothing starts it again in this run of its pod. */
  get finished(): Promise<ContainerResult> {
    return this.#finished.promise;
  }

  /** The end of the process that runs, or is about to; undefined where there is none. */
  get exit(): Promise<ExitEvent> | undefined {
    return this.#process?.exit;
  }

  doesNotRun(advice: string): HyperError {
    const { name, waiting, restarting } = this.record;
    const ended = restarting ? 'has ended, and waits for its restart' : `does not run${advice}`;
    const why = waiting ? 'waits for init containers, which run before it' : ended;
    return new HyperError('conflict', `container ${name} ${why}`);
  }

  /** How long its process ran, or has run. */
  get ranMs(): number {
    return Date.now() - Date.parse(this.record.startedAt ?? this.pod.createdAt);
  }

  /** A new run of its pod, in a VM that knows no process yet. */
  reset(): void {
    const { record } = this;
    if (record.state !== 'pending') {
      record.state = checkTransition(record.state, 'pending');
      this.#finished = Promise.withResolvers<ContainerResult>();
    }
    Object.assign(record, { startedAt: null, finishedAt: null, exitCode: null, error: null, oomKilled: false });
    Object.assign(record, { process: record.number, restarts: 0, restarting: false, waiting: false });
    Object.assign(record, { ...unasked, probeFailure: null, stopping: null });
    this.#begun = Promise.withResolvers();
    this.stopping = false;
  }

  /** It is started by itself, in the VM that its pod has. */
  revive(): void {
    const { state, restarting } = this.record;
    const hasFinished = !restarting && (state === 'succeeded' || state === 'failed');
    if (hasFinished) this.#finished = Promise.withResolvers<ContainerResult>();
    Object.assign(this.record, { restarts: 0, restarting: false, stopping: null });
    this.stopping = false;
  }

  /** `resume`: its guest still runs, and the log goes on; else a new run begins. */
  async openLog(resume: boolean): Promise<void> {
    const { podsDir, log } = this.#options;
    this.#log ??= await ContainerLog.open(logPath(podsDir, this.pod, this.record), resume, log);
  }

  async closeLog(): Promise<void> {
    const log = this.#log;
    this.#log = undefined;
    await log?.close();
  }

  /** Where its streams stand in the log: what a guest that is found again is told. */
  get positions(): StreamPosition[] {
    const log = this.#log;
    if (log === undefined) return [];
    const streams: readonly (1 | 2)[] = this.record.tty ? [1] : [1, 2];
    return streams.map((stream) => ({ process: this.record.process, stream, ...log.positions[stream] }));
  }

  /** Takes the output and the end of the process of the record's number, which is about to start or is found again. */
  expect(run: PodRun): void {
    const { process: number, tty } = this.record;
    const subscribers = [...this.#clients, ...this.#expected].map((client) => client.output);
    const output = new ProcessOutput(run.agent, number, tty, subscribers, this.#log);
    const exit = run.processExit(number, output);
    exit.catch(() => undefined); // heard by the pod once it has started
    this.#process = { run, number, output, exit };
  }

  /** Starts the process that is expected. */
  async start(run: PodRun): Promise<void> {
    const { record } = this;
    await run.agent.startProcess({
      process: record.process,
      container: record.number,
      args: record.args,
      env: record.env,
      cwd: record.workdir,
      user: record.user,
      tty: record.tty,
      stdin: record.stdin,
      rlimits: record.ulimits.map(agentRlimit),
      capabilities: defaultCapabilities,
      ...(record.terminalSize === null ? {} : { size: record.terminalSize }),
    });
  }

  /** Another process in its place: its streams begin anew. The caller stores the record, then starts it. */
  async beginAgain(run: PodRun): Promise<void> {
    const { record } = this;
    await this.#log?.beginRun();
    if (record.state !== 'pending') record.state = checkTransition(record.state, 'pending');
    record.process = run.nextProcess();
    this.expect(run);
  }

  markRunning(at: string): void {
    const { record } = this;
    record.state = checkTransition(record.state, 'running');
    if (record.restarting) record.restarts++;
    Object.assign(record, { restarting: false, waiting: false, startedAt: at, finishedAt: null });
    Object.assign(record, { ...unasked, probeFailure: null });
    if (record.healthCheck !== null) record.health = 'starting';
    this.healthLog.clear();
    this.#begun.resolve(this.#process);
  }

  /** Its process has ended; the caller stores that, and tells. */
  markEnded({ exitCode, error }: ContainerResult, oomKilled = false): void {
    const { record } = this;
    this.#process = undefined;
    record.state = checkTransition(record.state, exitCode === 0 && error === null ? 'succeeded' : 'failed');
    const finishedAt = new Date().toISOString();
    Object.assign(record, { exitCode, error: error?.message ?? null, finishedAt, oomKilled, waiting: false });
    record.stopping = null;
    Object.assign(record, { ...unasked, health: record.health === null ? null : 'unhealthy' }); // as docker's
  }

  /** Who is attached learns how its process ended, and is attached no more. */
  tell({ exitCode, error }: ContainerResult): void {
    const clients = [...this.#clients];
    this.#clients.clear();
    for (const client of clients) {
      if (error === null) client.exited(exitCode);
      else client.failed(error);
    }
  }

  /** It has ended for good. */
  finish(result: ContainerResult): void {
    this.#process = undefined;
    this.#begun.resolve(undefined);
    this.#finished.resolve(result);
    this.tell(result);
  }

  /** Why it never started in this run of its pod; the caller stores that, and tells. */
  markNeverStarted(error: HyperError): void {
    this.markEnded({ exitCode: startFailureExitCode(error), error });
  }

  /** Asks its process to end, by default with its stop signal. One that has ended by now is fine. */
  async askToEnd(signal = this.record.stopSignal): Promise<void> {
    await this.#signal(signal).catch(() => undefined);
  }

  async endAtOnce(): Promise<void> {
    await this.#signal(signalNumber('KILL')).catch(() => undefined);
  }

  /** @throws HyperError `conflict` where it does not run */
  async signal(signal: number): Promise<void> {
    if (!this.running) throw this.doesNotRun('');
    await this.#signal(signal);
  }

  /** Gives this client all output of the process that will start. Answers with what takes that back. */
  await(client: AttachClient): () => void {
    this.#expected.add(client);
    return () => this.#expected.delete(client);
  }

  /** It has started: who waited for that is attached. */
  welcome(client: AttachClient): void {
    this.#expected.delete(client);
    this.#clients.add(client);
  }

  /** Its output from now on. @throws HyperError `conflict` where it does not run */
  join(client: AttachClient): void {
    if (!this.running) throw this.doesNotRun(': start it first');
    this.#clients.add(client);
    this.#process?.output.subscribe(client.output);
  }

  /** What a client can do that is attached to the process that runs, or that will when init containers have ended. */
  attachment(client: AttachClient, withStdin: boolean): Attachment {
    let process = this.#process;
    const begun = process === undefined ? this.#begun.promise.then((one) => (process = one)) : Promise.resolve(process);
    const takesStdin = withStdin && this.record.stdin;
    const stdin = begun.then((one) => (takesStdin ? one?.run.agent.stdin(one.number) : undefined));
    const endStdin = (): void => void stdin.then((writer) => writer?.end());
    const whileRunning = async (act: (agent: PodRun['agent'], number: number) => Promise<void>): Promise<void> => {
      if (process === undefined || this.#process !== process) return;
      await act(process.run.agent, process.number).catch((error: unknown) => {
        this.#options.log.debug({ pod: this.pod.id, error: messageOf(error) }, 'an attached client asked in vain');
      });
    };
    return {
      write: async (bytes) => await (await stdin)?.write(bytes),
      eof: endStdin,
      resize: (rows, cols) => whileRunning((agent, number) => agent.resize(number, rows, cols)),
      signal: async (signal) => {
        const wanted = signalNumber(signal);
        await whileRunning((agent, number) => agent.signal(number, wanted));
      },
      hangup: (stream) => whileRunning((agent, number) => agent.closeOutput(number, stream)),
      leave: () => {
        this.#clients.delete(client);
        process?.output.unsubscribe(client.output);
        if (this.record.stdinOnce) endStdin();
      },
    };
  }

  /** `follow`: what comes, too, until it has ended for good. */
  logs(query: LogQuery, follow: boolean): ReturnType<typeof readLog> {
    const live = follow && this.#log !== undefined ? { log: this.#log, ended: this.finished } : undefined;
    return readLog(logPath(this.#options.podsDir, this.pod, this.record), query, live);
  }

  async #signal(signal: number): Promise<void> {
    const process = this.#process;
    if (process !== undefined) await process.run.agent.signal(process.number, signal);
  }
}
