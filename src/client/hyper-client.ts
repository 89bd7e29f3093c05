import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type {
  ContainerSpec,
  Credentials,
  Event,
  ExecResize,
  ExecSpec,
  ImageProgress,
  ImagePruneRequest,
  LabelsRequest,
  LoginRequest,
  NetworkConnection,
  NetworkSpec,
  PodFileRequest,
  PodSpec,
  PodUpdate,
  PortRemoval,
  PortSpec,
  PruneRequest,
  ReplaceRequest,
  StopRequest,
  ServiceRemoval,
  ServiceSpec,
  TemplateRequest,
  VmRequest,
  VolumePruneRequest,
  VolumeSpec,
} from '../contract/index.ts';
import { AttachSession, type AttachHandlers } from './attach-session.ts';
import { parseLogRecords, type LogRecord } from './log-records.ts';
import { parseNdjson } from './ndjson.ts';
import { requestTarget, routePaths, type QueryValue } from './route-paths.ts';
import type { AnswerOf, BodyOf, JsonRoute, NdjsonRoute, ParamsOf, WebsocketRoute } from './route-shapes.ts';
import { socketOfHost } from './host.ts';
import { asFailure } from './transport-failure.ts';
import { upgradeToWebSocket } from './websocket-upgrade.ts';
import type { RouteName } from '../contract/index.ts';

export interface CallOptions {
  /** Ends the call: it rejects with code `cancelled`. */
  readonly signal?: AbortSignal | undefined;
}

interface CallInput<N extends RouteName> {
  readonly params?: ParamsOf<N>;
  readonly query?: Readonly<Record<string, QueryValue>>;
  readonly body?: BodyOf<N>;
  readonly upload?: Readable;
}

export interface EventOptions extends CallOptions {
  /** ISO 8601, or seconds since 1970. */
  readonly since?: string | undefined;
  /** A sequence: only what came after it. */
  readonly after?: number | undefined;
  readonly follow?: boolean | undefined;
}

export interface LogOptions extends CallOptions {
  readonly follow?: boolean | undefined;
  /** Only the last lines. */
  readonly tail?: number | undefined;
  /** ISO 8601, or seconds since 1970. */
  readonly since?: string | undefined;
  /** The same; nothing is followed. */
  readonly until?: string | undefined;
}

export interface ArchiveTarget {
  /** A folder that is there. */
  readonly path: string;
  readonly noOverwriteDirNonDir?: boolean | undefined;
  /** Files keep the owners of the tar; else they are root's. */
  readonly copyUIDGID?: boolean | undefined;
}

/**
 * hyperd's API over its unix socket, one method a route of the contract. Every method rejects with an ApiFailure.
 *
 * @example
 * const client = new HyperClient('unix:///run/hyper/hyper.sock');
 * const { id } = await client.podCreate({ containers: [{ image: 'busybox', command: ['true'] }] });
 * await client.podStart(id);
 * const { exitCode } = await client.podWait(id);
 */
export class HyperClient {
  readonly socketPath: string;

  /** @param host a socket's path, or `unix://` and one. */
  constructor(host: string) {
    this.socketPath = socketOfHost(host);
  }

  ping = (options?: CallOptions) => this.#json('ping', {}, options);
  version = (options?: CallOptions) => this.#json('version', {}, options);
  info = (options?: CallOptions) => this.#json('info', {}, options);

  /** What changes, as it does; with `since` or `after` what has changed since. Without `follow` it ends there. */
  eventList = (options: EventOptions = {}): AsyncGenerator<Event, void, undefined> => {
    const { since, after, follow } = options;
    return this.#ndjson('eventList', { query: { since, after, follow } }, options);
  };

  templateList = (options?: CallOptions) => this.#json('templateList', {}, options);
  /** Makes the template of a shape, in place of the one that is there. */
  templateCreate = (shape: TemplateRequest, options?: CallOptions) =>
    this.#json('templateCreate', { body: shape }, options);
  templateRemove = (template: string, options?: CallOptions) =>
    this.#json('templateRemove', { params: { template } }, options);

  networkList = (options?: CallOptions) => this.#json('networkList', {}, options);
  networkCreate = (spec: NetworkSpec, options?: CallOptions) => this.#json('networkCreate', { body: spec }, options);
  networkInspect = (network: string, options?: CallOptions) =>
    this.#json('networkInspect', { params: { network } }, options);
  networkRemove = (network: string, options?: CallOptions) =>
    this.#json('networkRemove', { params: { network } }, options);
  networkPrune = (request: PruneRequest, options?: CallOptions) =>
    this.#json('networkPrune', { body: request }, options);
  networkConnect = (network: string, connection: NetworkConnection, options?: CallOptions) =>
    this.#json('networkConnect', { params: { network }, body: connection }, options);
  networkDisconnect = (network: string, pod: string, options?: CallOptions) =>
    this.#json('networkDisconnect', { params: { network }, body: { pod } }, options);

  imageList = (options?: CallOptions) => this.#json('imageList', {}, options);
  imageInspect = (reference: string, options?: CallOptions) =>
    this.#json('imageInspect', { query: { reference } }, options);
  imageRemove = (reference: string, options?: CallOptions & { readonly force?: boolean | undefined }) =>
    this.#json('imageRemove', { query: { reference, force: options?.force } }, options);
  /** Progress as it comes; the last is `done` or `error`. Without credentials hyperd uses its own login, if it has one. */
  imagePull = (
    reference: string,
    options?: CallOptions & { readonly credentials?: Credentials | undefined },
  ): AsyncGenerator<ImageProgress, void, undefined> =>
    this.#ndjson(
      'imagePull',
      { body: { reference, ...withoutUndefined('credentials', options?.credentials) } },
      options,
    );
  /** Loads an archive of `docker save` or an OCI layout. */
  imageLoad = (archive: Readable, options?: CallOptions): AsyncGenerator<ImageProgress, void, undefined> =>
    this.#ndjson('imageLoad', { upload: archive }, options);

  volumeCreate = (spec: VolumeSpec, options?: CallOptions) => this.#json('volumeCreate', { body: spec }, options);
  volumeList = (options?: CallOptions) => this.#json('volumeList', {}, options);
  volumeInspect = (volume: string, options?: CallOptions) =>
    this.#json('volumeInspect', { params: { volume } }, options);
  volumeRemove = (volume: string, options?: CallOptions & { readonly force?: boolean | undefined }) =>
    this.#json('volumeRemove', { params: { volume }, query: { force: options?.force } }, options);
  volumePrune = (request: VolumePruneRequest, options?: CallOptions) =>
    this.#json('volumePrune', { body: request }, options);

  /** What a pod file asks for, as podCreate takes it. */
  podFileRead = (file: PodFileRequest, options?: CallOptions) => this.#json('podFileRead', { body: file }, options);
  /** The JSON Schema of a pod file. */
  podFileSchema = (options?: CallOptions) => this.#json('podFileSchema', {}, options);

  podCreate = (spec: PodSpec, options?: CallOptions) => this.#json('podCreate', { body: spec }, options);
  podList = (options?: CallOptions) => this.#json('podList', {}, options);
  podInspect = (pod: string, options?: CallOptions) => this.#json('podInspect', { params: { pod } }, options);
  /** `vm`: one of vmCreate. */
  podStart = (pod: string, options?: CallOptions & { readonly vm?: string | undefined }) =>
    this.#json('podStart', { params: { pod }, query: { vm: options?.vm } }, options);
  /** One pod ends, and another takes its place. */
  podReplace = (pod: string, request: ReplaceRequest, options?: CallOptions) =>
    this.#json('podReplace', { params: { pod }, body: request }, options);
  podStop = (pod: string, options?: CallOptions & StopOptions) =>
    this.#json('podStop', { params: { pod }, body: stopRequest(options) }, options);
  podPause = (pod: string, options?: CallOptions) => this.#json('podPause', { params: { pod } }, options);
  podUnpause = (pod: string, options?: CallOptions) => this.#json('podUnpause', { params: { pod } }, options);
  podKill = (pod: string, options?: CallOptions & { readonly killSignal?: string | undefined }) =>
    this.#json('podKill', { params: { pod }, body: withoutUndefined('signal', options?.killSignal) }, options);
  podRemove = (
    pod: string,
    options?: CallOptions & { readonly force?: boolean | undefined; readonly volumes?: boolean | undefined },
  ) =>
    this.#json('podRemove', { params: { pod }, query: { force: options?.force, volumes: options?.volumes } }, options);
  podStats = (pod: string, options?: CallOptions) => this.#json('podStats', { params: { pod } }, options);
  /** What runs in a pod's containers, or in one. */
  podTop = (pod: string, options?: CallOptions) => this.#json('podTop', { params: { pod } }, options);
  /** Waits until the pod has ended. */
  podWait = (pod: string, options?: CallOptions) => this.#json('podWait', { params: { pod } }, options);
  /** Attaches to the pod's first container; with `start`, hyperd starts the pod once the streams are connected. */
  podAttach = (
    pod: string,
    options: CallOptions & { readonly start?: boolean | undefined; readonly stdin?: boolean | undefined },
    handlers: AttachHandlers,
  ): Promise<AttachSession> =>
    this.#attach(
      'podAttach',
      { params: { pod }, query: { start: options.start, stdin: options.stdin } },
      options,
      handlers,
    );

  /** Creates a pod, attaches to its first container and starts it, in one call; resolves when the pod is there. */
  podRun = async (
    spec: PodSpec,
    options: CallOptions & { readonly stdin?: boolean | undefined },
    handlers: AttachHandlers,
  ): Promise<AttachSession> => {
    const created = Promise.withResolvers<void>();
    const session = await this.#attach('podRun', { query: { stdin: options.stdin } }, options, {
      ...handlers,
      created: (id) => {
        handlers.created?.(id);
        created.resolve();
      },
    });
    session.open(spec);
    await Promise.race([created.promise, session.exit]);
    return session;
  };

  /** A tar of a path in a container: read it to its end, or destroy it. */
  podArchive = (pod: string, path: string, options?: CallOptions): Promise<IncomingMessage> =>
    this.#send('podArchive', { params: { pod }, query: { path } }, options);
  podArchiveStat = (pod: string, path: string, options?: CallOptions) =>
    this.#json('podArchiveStat', { params: { pod }, query: { path } }, options);
  /** Unpacks a tar into a folder of a container. */
  podArchiveWrite = (pod: string, query: ArchiveTarget, archive: Readable, options?: CallOptions) =>
    this.#json('podArchiveWrite', { params: { pod }, query: { ...query }, upload: archive }, options);
  /** A tar of a container's root. */
  podExport = (pod: string, options?: CallOptions): Promise<IncomingMessage> =>
    this.#send('podExport', { params: { pod } }, options);
  podChanges = (pod: string, options?: CallOptions) => this.#json('podChanges', { params: { pod } }, options);

  /** Opens further ports of the host that lead to the pod. */
  podPublish = (pod: string, ports: PortSpec[], options?: CallOptions) =>
    this.#json('podPublish', { params: { pod }, body: { ports } }, options);
  podUnpublish = (pod: string, port: PortRemoval, options?: CallOptions) =>
    this.#json('podUnpublish', { params: { pod }, body: port }, options);

  /** Has the pod's processes reach hosts, in turn, at one address. */
  podServiceAdd = (pod: string, services: ServiceSpec[], options?: CallOptions) =>
    this.#json('podServiceAdd', { params: { pod }, body: { services } }, options);
  podServiceUpdate = (pod: string, services: ServiceSpec[], options?: CallOptions) =>
    this.#json('podServiceUpdate', { params: { pod }, body: { services } }, options);
  podServiceRemove = (pod: string, service: ServiceRemoval, options?: CallOptions) =>
    this.#json('podServiceRemove', { params: { pod }, body: service }, options);
  podRename = (pod: string, name: string, options?: CallOptions) =>
    this.#json('podRename', { params: { pod }, body: { name } }, options);
  /** Sets labels, and takes those away that are null; answers with all. */
  podLabels = (pod: string, request: LabelsRequest, options?: CallOptions) =>
    this.#json('podLabels', { params: { pod }, body: request }, options);
  podUpdate = (pod: string, update: PodUpdate, options?: CallOptions) =>
    this.#json('podUpdate', { params: { pod }, body: update }, options);
  /** Removes the pods that have ended. */
  podPrune = (request: PruneRequest, options?: CallOptions) => this.#json('podPrune', { body: request }, options);
  imagePrune = (request: ImagePruneRequest, options?: CallOptions) =>
    this.#json('imagePrune', { body: request }, options);

  /** Tries a login at a registry; nothing is kept of it. */
  login = (request: LoginRequest, options?: CallOptions) => this.#json('login', { body: request }, options);
  diskUsage = (options?: CallOptions) => this.#json('diskUsage', {}, options);

  /** What the pod has written; with `follow`, until it ends. */
  async *podLogs(pod: string, options: LogOptions = {}): AsyncGenerator<LogRecord, void, undefined> {
    const query = { follow: options.follow, tail: options.tail, since: options.since, until: options.until };
    const answer = await this.#send('podLogs', { params: { pod }, query }, options);
    yield* failing(parseLogRecords(answer));
  }

  containerList = (options?: CallOptions) => this.#json('containerList', {}, options);
  containerInspect = (container: string, options?: CallOptions) =>
    this.#json('containerInspect', { params: { container } }, options);
  containerAdd = (pod: string, spec: ContainerSpec, options?: CallOptions) =>
    this.#json('containerAdd', { params: { pod }, body: spec }, options);
  containerStart = (container: string, options?: CallOptions) =>
    this.#json('containerStart', { params: { container } }, options);
  containerStop = (container: string, options?: CallOptions & StopOptions) =>
    this.#json('containerStop', { params: { container }, body: stopRequest(options) }, options);
  containerRemove = (container: string, options?: CallOptions & { readonly force?: boolean | undefined }) =>
    this.#json('containerRemove', { params: { container }, query: { force: options?.force } }, options);
  vmList = (options?: CallOptions) => this.#json('vmList', {}, options);
  /** A VM that waits for a pod, until hyperd ends. */
  vmCreate = (request: VmRequest, options?: CallOptions) => this.#json('vmCreate', { body: request }, options);
  vmRemove = (vm: string, options?: CallOptions) => this.#json('vmRemove', { params: { vm } }, options);

  execCreate = (pod: string, spec: ExecSpec, options?: CallOptions) =>
    this.#json('execCreate', { params: { pod }, body: spec }, options);
  execStart = (exec: string, options?: CallOptions) => this.#json('execStart', { params: { exec } }, options);
  execInspect = (exec: string, options?: CallOptions) => this.#json('execInspect', { params: { exec } }, options);
  /** Its end, which for one that was not started may never come. */
  execWait = (exec: string, options?: CallOptions) => this.#json('execWait', { params: { exec } }, options);
  execKill = (exec: string, options?: CallOptions & { readonly killSignal?: string | undefined }) =>
    this.#json('execKill', { params: { exec }, body: withoutUndefined('signal', options?.killSignal) }, options);
  execResize = (exec: string, size: ExecResize, options?: CallOptions) =>
    this.#json('execResize', { params: { exec }, body: size }, options);
  /** Connects the exec's streams and starts it. */
  execAttach = (exec: string, options: CallOptions, handlers: AttachHandlers): Promise<AttachSession> =>
    this.#attach('execAttach', { params: { exec } }, options, handlers);
  /** Makes an exec, connects its streams and starts it, in one call. */
  execRun = async (
    pod: string,
    spec: ExecSpec,
    options: CallOptions,
    handlers: AttachHandlers,
  ): Promise<AttachSession> => {
    const session = await this.#attach('execRun', { params: { pod } }, options, handlers);
    session.open(spec);
    return session;
  };

  async #send<N extends RouteName>(
    name: N,
    input: CallInput<N>,
    options: CallOptions | undefined,
  ): Promise<IncomingMessage> {
    const [method = '', path = ''] = routePaths[name].split(' ');
    const { sendCall } = await httpCall();
    return await sendCall({
      socketPath: this.socketPath,
      method,
      target: requestTarget(path, input.params ?? {}, input.query ?? {}),
      body: input.body,
      upload: input.upload,
      signal: options?.signal,
    });
  }

  async #json<N extends JsonRoute>(name: N, input: CallInput<N>, options?: CallOptions): Promise<AnswerOf<N>> {
    const { readText } = await httpCall();
    const text = await readText(await this.#send(name, input, options));
    // Not checked here: zod would cost each start 100 ms. hyperd's handlers have the contract's types, and so cannot compile
    // with another answer; at run time nobody checks.
    return JSON.parse(text) as AnswerOf<N>;
  }

  async *#ndjson<N extends NdjsonRoute>(
    name: N,
    input: CallInput<N>,
    options?: CallOptions,
  ): AsyncGenerator<AnswerOf<N>, void, undefined> {
    const answer = await this.#send(name, input, options);
    // As above.
    for await (const value of failing(parseNdjson(answer))) yield value as AnswerOf<N>;
  }

  async #attach<N extends WebsocketRoute>(
    name: N,
    input: CallInput<N>,
    options: CallOptions,
    handlers: AttachHandlers,
  ): Promise<AttachSession> {
    const [, path = ''] = routePaths[name].split(' ');
    const target = requestTarget(path, input.params ?? {}, input.query ?? {});
    const connection = await upgradeToWebSocket({ socketPath: this.socketPath, target, signal: options.signal });
    return new AttachSession(connection, handlers);
  }
}

/** node:http costs the CLI's start ten milliseconds, and `hyper exec` does without. */
const httpCall = () => import('./http-call.ts');

interface StopOptions {
  readonly timeoutSeconds?: number | undefined;
  /** In place of the stop signal: `INT`. */
  readonly stopSignal?: string | undefined;
}

const stopRequest = ({ timeoutSeconds, stopSignal }: StopOptions = {}): StopRequest => ({
  ...withoutUndefined('timeoutSeconds', timeoutSeconds),
  ...withoutUndefined('signal', stopSignal),
});

function withoutUndefined<K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> {
  const body: Partial<Record<K, V>> = {};
  if (value !== undefined) body[key] = value;
  return body;
}

/** The same values; what the transport throws becomes an ApiFailure. */
async function* failing<T>(values: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  try {
    yield* values;
  } catch (error) {
    throw asFailure(error);
  }
}
