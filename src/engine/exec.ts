import type { ExitEvent, OutputStream } from '../guest/index.ts';
import { asHyperError, HyperError } from '../lib/errors.ts';
import { signalNumber } from '../lib/signals.ts';
import type { ExecRecord } from '../store/index.ts';
import type { AttachClient, Attachment } from './attachment.ts';
import type { Container, ContainerResult } from './container.ts';
import { doesNotRun } from './live-pod.ts';
import type { PodRun } from './pod-run.ts';
import { ProcessOutput } from './process-output.ts';
import { processSetup } from './process-setup.ts';
import { startFailure, startFailureExitCode } from './start-failure.ts';
import { UnreadOutput } from './unread-output.ts';

/** What is told of an exec, in docker's words. */
export type ExecAction = 'exec_create' | 'exec_start' | 'exec_die';

/** Where an exec runs. `container` undefined: in the guest itself. */
export interface ExecPlace {
  readonly run: PodRun;
  readonly container: Container | undefined;
}

/** One more process in a pod that runs. Its record is stored: it outlives hyperd, as its pod does. */
export class Exec {
  readonly id: string;
  readonly record: ExecRecord;
  readonly #save: (action?: ExecAction) => void;
  readonly #finished = Promise.withResolvers<ContainerResult>();
  /** While its process runs. */
  #place: ExecPlace | undefined;

  /** @param save stores the record as it is, and with it what has happened; it never throws */
  constructor(record: ExecRecord, save: (record: ExecRecord, action?: ExecAction) => void) {
    this.id = record.id;
    this.record = record;
    this.#save = (action) => save(record, action);
    const { state, exitCode, error } = record;
    if (state !== 'exited') return;
    this.#finished.resolve({
      exitCode: exitCode ?? 255,
      error: error === null ? null : new HyperError('vm_failed', error),
    });
  }

  /** Resolves when its process has ended, or could not be started. */
  get finished(): Promise<ContainerResult> {
    return this.#finished.promise;
  }

  /** Starts it; with a client, its output goes there and the returned attachment steers it. */
  async start(place: ExecPlace, client?: AttachClient): Promise<Attachment> {
    const { record } = this;
    const { spec } = record;
    const { run, container } = place;
    if (record.state !== 'created') throw new HyperError('conflict', 'this exec was started before: make a new one');
    if (run.record.state === 'paused') throw doesNotRun(run.record); // the guest would answer when it goes on
    const process = run.nextProcess();
    Object.assign(record, { state: 'running', process });
    this.#save(); // before it runs: the next hyperd knows it by its number
    const output = new ProcessOutput(
      run.agent,
      process,
      spec.tty ?? false,
      client === undefined ? [] : [client.output],
    );
    const exit = run.processExit(process, output);
    exit.catch(() => undefined); // heard below, once it has started
    try {
      await run.agent.startProcess({ ...processSetup(container?.record ?? null, spec), process });
    } catch (error) {
      run.forgetProcess(process);
      const failure = startFailure(error);
      this.#end({ exitCode: startFailureExitCode(failure), error: failure });
      throw failure;
    }
    client?.started(record.id, [], null);
    this.#save('exec_start');
    this.#follow(place, exit, client);
    return this.#attachment(place, output, client);
  }

  /**
   * Goes on with a process that an earlier hyperd started; call before its agent listens. Its client has gone with that one:
   * nobody reads what it writes, and its stdin is at its end.
   *
   * @returns whether its guest knows it
   */
  takeBack(place: ExecPlace): boolean {
    const { process, spec } = this.record;
    const { run } = place;
    if (!run.knows(process)) return false;
    this.#follow(place, run.processExit(process, new UnreadOutput()));
    if (spec.stdin === true) run.agent.stdin(process).end();
    return true;
  }

  /** It was to run, and is found nowhere. */
  lose(reason: string): void {
    if (this.record.state !== 'running' || this.#place !== undefined) return;
    this.#end({ exitCode: 255, error: new HyperError('vm_failed', reason) });
  }

  /** @throws HyperError `conflict` where it does not run, `bad_request` for no signal */
  async signal(signal: string): Promise<void> {
    const number = signalNumber(signal);
    const { agent } = this.#running().run;
    await agent.signal(this.record.process, number);
  }

  /** Of its terminal. @throws HyperError `conflict` where it does not run */
  async resize(rows: number, cols: number): Promise<void> {
    await this.#running().run.agent.resize(this.record.process, rows, cols);
  }

  #running(): ExecPlace {
    if (this.#place !== undefined) return this.#place;
    const { state } = this.record;
    const why = state === 'exited' ? 'has ended' : 'does not run: start it first';
    throw new HyperError('conflict', `exec ${this.record.id} ${why}`);
  }

  #follow(place: ExecPlace, exit: Promise<ExitEvent>, client?: AttachClient): void {
    const { run, container } = place;
    this.#place = place;
    container?.execs.add(this.record.id);
    exit.then(
      (event) => {
        this.#end({ exitCode: event.exitCode, error: null }, client);
        run.stored(event);
      },
      (error: unknown) => this.#end({ exitCode: 255, error: asHyperError(error) }, client),
    );
  }

  #end(result: ContainerResult, client?: AttachClient): void {
    const { exitCode, error } = result;
    Object.assign(this.record, { state: 'exited', exitCode, error: error?.message ?? null });
    this.#place?.container?.execs.delete(this.record.id);
    this.#place = undefined;
    // Its user waits for no disk.
    if (error === null) client?.exited(exitCode);
    else client?.failed(error);
    this.#save('exec_die');
    this.#finished.resolve(result);
  }

  #attachment({ run: { agent } }: ExecPlace, output: ProcessOutput, client: AttachClient | undefined): Attachment {
    const { process, spec } = this.record;
    const running = (): boolean => this.record.state === 'running';
    const stdin = spec.stdin === true ? agent.stdin(process) : undefined;
    return {
      write: async (bytes) => await stdin?.write(bytes),
      eof: () => stdin?.end(),
      resize: async (rows, cols) => {
        if (running()) await agent.resize(process, rows, cols);
      },
      signal: async (signal) => {
        if (running()) await agent.signal(process, signalNumber(signal));
      },
      hangup: async (stream: OutputStream) => {
        if (running()) await agent.closeOutput(process, stream);
      },
      leave: () => {
        if (client !== undefined) output.unsubscribe(client.output);
        stdin?.end();
      },
    };
  }
}
