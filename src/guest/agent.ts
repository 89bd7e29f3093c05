import { type AgentHello, ControlChannel, type ExitEvent } from './control-channel.ts';
import { tag } from './fields.ts';
import type { GuestConnection } from './guest-connection.ts';
import * as requests from './requests.ts';
import type { OutputConsumer, OutputStream } from './output-consumer.ts';
import { StreamChannel, type StreamPosition } from './stream-channel.ts';
import { type StdinWriter, taskWindowBytes } from './stdin-writer.ts';

/** Most requests are answered in milliseconds; under emulation on a busy host in seconds. */
const requestTimeoutMs = 30_000;
/** Disks are awaited up to 10 s in the guest, and volumes are copied. */
const createTimeoutMs = 300_000;

export interface AgentOptions {
  readonly controlPath: string;
  readonly streamPath: string;
  /** The newest event whose effect is stored. */
  readonly persistedEvent: number;
  /** Every output stream that is known from an earlier connection. */
  readonly known: readonly StreamPosition[];
  /** Nobody has spoken with this guest before, or who did had nothing under way when its state was written. */
  readonly fresh?: boolean;
  /** Bounds the whole of the connecting. */
  readonly signal: AbortSignal;
}

export interface AgentHandlers {
  /** Store what it means, then `acknowledgeEvents`. Called in order of `sequence`. */
  readonly onExit: (event: ExitEvent) => void;
  /** A process has connected to a socket that its container was given; without this, no such connection comes about. */
  readonly onConnection?: (connection: GuestConnection) => void;
  /** The guest is gone or broke the protocol. Told once. */
  readonly onClose: (cause: Error | undefined) => void;
}

/**
 * The host's side of the guest agent: one connected session.
 *
 * Between `connect` and `listen` nothing is delivered, so that consumers of known streams can be registered first.
 */
export class Agent {
  readonly hello: AgentHello;
  readonly #control: ControlChannel;
  readonly #streams: StreamChannel;
  #handlers: AgentHandlers | undefined;
  #lost: { readonly cause: Error | undefined } | undefined;

  private constructor(control: ControlChannel, streams: StreamChannel) {
    this.#control = control;
    this.#streams = streams;
    this.hello = control.hello;
  }

  static async connect(options: AgentOptions): Promise<Agent> {
    const { controlPath, streamPath, persistedEvent, known, fresh = false, signal } = options;
    const opening = ControlChannel.open(persistedEvent, { path: controlPath, fresh, signal });
    if (!fresh) await opening;
    const [control, streams] = await Promise.allSettled([
      opening,
      StreamChannel.open(known, { path: streamPath, fresh, signal }),
    ]);
    if (control.status === 'fulfilled' && streams.status === 'fulfilled')
      return new Agent(control.value, streams.value);
    for (const channel of [control, streams]) if (channel.status === 'fulfilled') channel.value.close();
    const failed = [control, streams].find((channel) => channel.status === 'rejected');
    throw failed?.reason;
  }

  /** Delivers from now on. May be called again: who listens last is told, also of an end that has come before. */
  listen(handlers: AgentHandlers): void {
    const listened = this.#handlers !== undefined;
    this.#handlers = handlers;
    const lost = this.#lost;
    if (lost !== undefined) queueMicrotask(() => handlers.onClose(lost.cause));
    if (listened) return;
    const onClose = (cause: Error | undefined): void => {
      if (this.#lost !== undefined) return;
      this.#lost = { cause };
      this.close();
      this.#handlers?.onClose(cause);
    };
    this.#streams.listen({
      onConnection: (connection) => {
        if (this.#handlers?.onConnection === undefined) connection.close();
        else this.#handlers.onConnection(connection);
      },
      onClose,
    });
    this.#control.listen({ onExit: (event) => this.#handlers?.onExit(event), onClose });
  }

  async ping(): Promise<void> {
    await this.#control.request(requests.pingRequest(), requestTimeoutMs);
  }

  /** Clock, entropy, host name and network of the guest. */
  async setUp(setup: requests.GuestSetup): Promise<void> {
    await this.#control.request(requests.setupRequest(setup), requestTimeoutMs);
  }

  /** Configures a NIC, which is awaited for 10 s. */
  async configureNic(nic: requests.NicSetup): Promise<void> {
    await this.#control.request(requests.configureNicRequest(nic), requestTimeoutMs);
  }

  /** Nothing goes by a NIC any more; one that is not there is fine. */
  async removeNic(mac: string): Promise<void> {
    await this.#control.request(requests.removeNicRequest(mac), requestTimeoutMs);
  }

  /** Has the guest's processes reach exactly these services; connections to what is not among them any more go on. */
  async setServices(services: readonly requests.ServiceSetup[]): Promise<void> {
    await this.#control.request(requests.setServicesRequest(services), requestTimeoutMs);
  }

  /** Gives files of a container new contents, but for those that have been changed in it. */
  async updateFiles(container: number, files: readonly requests.ContainerFile[]): Promise<void> {
    await this.#control.request(requests.updateFilesRequest(container, files), requestTimeoutMs);
  }

  /** Bounds a container that is there anew. */
  async limitContainer(container: number, limits: requests.ContainerLimits): Promise<void> {
    await this.#control.request(requests.limitContainerRequest(container, limits), requestTimeoutMs);
  }

  async setClock(): Promise<void> {
    await this.#control.request(requests.setClockRequest(), requestTimeoutMs);
  }

  async createContainer(setup: requests.ContainerSetup): Promise<void> {
    await this.#control.request(requests.createContainerRequest(setup), createTimeoutMs);
  }

  /** Kills what is left in a container and unmounts it; disks that no other one uses are let go. */
  async destroyContainer(container: number): Promise<void> {
    await this.#control.request(requests.destroyContainerRequest(container), requestTimeoutMs);
  }

  /** Starts a process and answers with its pid in the guest. Register its consumers first. */
  async startProcess(setup: requests.ProcessSetup): Promise<number> {
    const reply = await this.#control.request(requests.startProcessRequest(setup), requestTimeoutMs);
    return reply.required(tag.pid);
  }

  /** @param group also what it has started, but for what has left its process group */
  async signal(process: number, signal: number, group = false): Promise<void> {
    await this.#control.request(requests.signalRequest(process, signal, group), requestTimeoutMs);
  }

  async resize(process: number, rows: number, cols: number): Promise<void> {
    await this.#control.request(requests.resizeRequest(process, rows, cols), requestTimeoutMs);
  }

  /** The reader of an output stream has gone for good: the process gets EPIPE. */
  async closeOutput(process: number, stream: OutputStream): Promise<void> {
    await this.#control.request(requests.closeOutputRequest(process, stream), requestTimeoutMs);
  }

  /** Asks the guest to kill what runs, unmount and power off. */
  async shutDown(timeoutMs: number): Promise<void> {
    await this.#control.request(requests.shutdownRequest(), timeoutMs);
  }

  /** Fills what memory is free with zeros: a template has holes there. */
  async clearMemory(): Promise<void> {
    await this.#control.request(requests.clearMemoryRequest(), requestTimeoutMs);
  }

  /** Stops all containers' processes where they are, or lets them go on. */
  async freeze(frozen: boolean): Promise<void> {
    await this.#control.request(requests.freezeRequest(frozen), requestTimeoutMs);
  }

  /** Small files of the guest's /proc and /sys, in the order asked for; what cannot be read is empty. */
  async readFiles(paths: readonly string[]): Promise<readonly Buffer[]> {
    const reply = await this.#control.request(requests.readFilesRequest(paths), requestTimeoutMs);
    return reply.all(tag.content);
  }

  acknowledgeEvents(sequence: number): void {
    this.#control.acknowledgeEvents(sequence);
  }

  consume(process: number, stream: OutputStream, consumer: OutputConsumer, offset = 0, ended = false): void {
    this.#streams.consume(process, stream, consumer, offset, ended);
  }

  acknowledge(process: number, stream: OutputStream, offset: number, ended = false): void {
    this.#streams.acknowledge(process, stream, offset, ended);
  }

  stdin(process: number): StdinWriter {
    return this.#streams.stdin(process);
  }

  /** What a task of the agent's reads. */
  taskInput(process: number): StdinWriter {
    return this.#streams.stdin(process, taskWindowBytes);
  }

  forget(process: number): void {
    this.#streams.forget(process);
  }

  close(): void {
    this.#control.close();
    this.#streams.close();
  }
}
