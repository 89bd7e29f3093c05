import type { OutputStream } from '../guest/index.ts';
import { HyperError } from '../lib/errors.ts';
import { type ExecId, newExecId } from '../lib/ids.ts';
import { signalNumber } from '../lib/signals.ts';
import type { ContainerRecord } from '../store/index.ts';
import type { AttachClient, Attachment } from './attachment.ts';
import { doesNotRun } from './live-pod.ts';
import type { PodRun } from './pod-run.ts';
import type { ExecSpec } from './pod-spec.ts';
import { ProcessOutput } from './process-output.ts';
import { processSetup } from './process-setup.ts';
import { startFailure, startFailureExitCode } from './start-failure.ts';

/** One more process in a running pod. Kept in memory only: its client goes with hyperd. */
export class Exec {
  readonly id: ExecId = newExecId();
  readonly podId: string;
  /** Null: in the guest itself. */
  readonly containerId: string | null;
  readonly spec: ExecSpec;
  readonly #run: PodRun;
  readonly #container: ContainerRecord | null;
  #state: 'created' | 'running' | 'exited' = 'created';
  #exitCode: number | null = null;
  #process = 0;

  constructor(run: PodRun, container: ContainerRecord, spec: ExecSpec) {
    this.podId = run.record.id;
    this.#container = spec.vm === true ? null : container;
    this.containerId = this.#container?.id ?? null;
    this.spec = spec;
    this.#run = run;
  }

  get state(): 'created' | 'running' | 'exited' {
    return this.#state;
  }

  get exitCode(): number | null {
    return this.#exitCode;
  }

  /** Starts it; with a client, its output goes there and the returned attachment steers it. */
  async start(client?: AttachClient): Promise<Attachment> {
    if (this.#state !== 'created') throw new HyperError('conflict', 'this exec was started before: make a new one');
    const run = this.#run;
    if (run.record.state === 'paused') throw doesNotRun(run.record); // the guest would answer when it goes on
    this.#state = 'running';
    const process = run.nextProcess();
    this.#process = process;
    const tty = this.spec.tty ?? false;
    const output = new ProcessOutput(run.agent, process, tty, client === undefined ? [] : [client.output]);
    const ended = run.processExit(process, output);
    ended.catch(() => undefined); // heard below, once it has started
    try {
      await run.agent.startProcess({ ...processSetup(this.#container, this.spec), process });
    } catch (error) {
      this.#state = 'exited';
      run.forgetProcess(process);
      const failure = startFailure(error);
      this.#exitCode = startFailureExitCode(failure);
      throw failure;
    }
    client?.started(this.id, [], null);
    void ended.then(
      (event) => {
        run.stored(event); // in memory only, as all of it
        this.#state = 'exited';
        this.#exitCode = event.exitCode;
        client?.exited(event.exitCode);
      },
      (error: unknown) => {
        this.#state = 'exited';
        client?.failed(startFailure(error));
      },
    );
    return this.#attachment(output, client);
  }

  #attachment(output: ProcessOutput, client: AttachClient | undefined): Attachment {
    const { agent } = this.#run;
    const running = (): boolean => this.#state === 'running';
    const stdin = this.spec.stdin === true ? agent.stdin(this.#process) : undefined;
    return {
      write: async (bytes) => await stdin?.write(bytes),
      eof: () => stdin?.end(),
      resize: async (rows, cols) => {
        if (running()) await agent.resize(this.#process, rows, cols);
      },
      signal: async (signal) => {
        if (running()) await agent.signal(this.#process, signalNumber(signal));
      },
      hangup: async (stream: OutputStream) => {
        if (running()) await agent.closeOutput(this.#process, stream);
      },
      leave: () => {
        if (client !== undefined) output.unsubscribe(client.output);
        stdin?.end();
      },
    };
  }
}
