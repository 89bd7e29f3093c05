import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { ExecSpec, ImageProgress, PodFileRequest, PodSpec, PullRequest } from '../../src/contract/index.ts';
import { fakePod } from './fake-answers.ts';
import { images as fakeImages } from './fake-image.ts';
import { playProcess } from './fake-process.ts';

interface FakePod {
  readonly id: string;
  readonly spec: PodSpec;
  state: 'pending' | 'running' | 'succeeded';
}

/**
 * What a client can see of a daemon, for what only the client does: terminals, pipes, signals, exit codes. Its processes are those of
 * fake-process.ts. The real daemon's tests are elsewhere.
 */
export class FakeHyperd implements AsyncDisposable {
  readonly folder: string;
  readonly socket: string;
  /** Method and target of each request, in order. */
  readonly requests: string[] = [];
  readonly bodies: unknown[] = [];
  readonly pods = new Map<string, FakePod>();
  readonly execs = new Map<string, ExecSpec>();
  readonly images = new Set(['busybox']);
  /** What calls that it does not know itself answer: `GET /v1/networks`. */
  readonly answers = new Map<string, { readonly status?: number; readonly body: unknown }>();
  readonly pulled: string[] = [];
  pullEvents: readonly ImageProgress[] = [];
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  readonly #open = new Set<Duplex>();

  private constructor(folder: string) {
    this.folder = folder;
    this.socket = join(folder, 'hyper.sock');
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.on('connection', (socket) => {
      this.#open.add(socket);
      socket.on('close', () => this.#open.delete(socket));
    });
    this.#server.on('upgrade', (request, socket, head) => {
      this.requests.push(`${request.method ?? ''} ${request.url ?? ''}`);
      this.#sockets.handleUpgrade(request, socket, head, (client) => this.#attach(request.url ?? '', client));
    });
  }

  static async start(): Promise<FakeHyperd> {
    const fake = new FakeHyperd(await mkdtemp(join(tmpdir(), 'hyper-cli-')));
    fake.#server.listen(fake.socket);
    await once(fake.#server, 'listening');
    return fake;
  }

  /** As a SIGKILL of the daemon: every connection breaks, nothing is said. */
  die(): void {
    for (const socket of this.#open) socket.destroy();
    this.#server.close();
  }

  setRunning(id: string): void {
    const pod = this.pods.get(id);
    if (pod !== undefined) pod.state = 'running';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.die();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = `${request.method ?? ''} ${request.url ?? ''}`;
    const url = new URL(request.url ?? '', 'http://hyperd');
    this.requests.push(call);
    const chunks: Buffer[] = [];
    for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const send = (body: unknown, status = 200): void => {
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    };
    const [, kind, pod, action] = /\/v1\/(pods|containers)\/([^/?]+)(?:\/(\w+))?/.exec(call) ?? [];
    const answer = this.answers.get(call);
    if (answer !== undefined) {
      if (text !== '') this.bodies.push(JSON.parse(text));
      send(answer.body, answer.status);
    } else if (call === 'POST /v1/pods') {
      const made = this.#create(text);
      if (typeof made === 'string') send({ code: 'image_not_found', message: made }, 404);
      else send({ id: made.id, name: made.spec.name ?? 'busybox-0123456789', containers: ['0'.repeat(64)] });
    } else if (call === 'POST /v1/pod-files') {
      this.#readPodFile(text, send);
    } else if (call === 'GET /v1/pod-files/schema') {
      send({ title: 'a schema' });
    } else if (url.pathname === '/v1/images/inspect') {
      const known = this.images.has(url.searchParams.get('reference') ?? '');
      send(known ? {} : { code: 'not_found', message: 'no such image' }, known ? 200 : 404);
    } else if (call === 'POST /v1/images/pull') {
      const { reference } = JSON.parse(text) as PullRequest;
      this.pulled.push(reference);
      const done: ImageProgress = { type: 'done', image: fakeImages.busybox, reference, changed: true };
      const events = this.pullEvents.length > 0 ? this.pullEvents : [done];
      for (const event of events) response.write(`${JSON.stringify(event)}\n`);
      for (const event of events) if (event.type === 'done') this.images.add(event.reference);
      response.end();
    } else if (call === 'POST /v1/images/load') {
      const event: ImageProgress = {
        type: 'done',
        image: fakeImages.busybox,
        reference: `loaded:${text.length}`,
        changed: true,
      };
      response.end(`${JSON.stringify(event)}\n`);
    } else if (call === 'GET /v1/pods') {
      send([...this.pods.values()].map((known) => fakePod(known.id, known.spec, known.state)));
    } else if (call === 'GET /v1/images') {
      send([fakeImages.busybox]);
    } else if (pod !== undefined) {
      const known = this.pods.get(pod);
      if (known === undefined) send({ code: 'not_found', message: `no such pod: ${pod}: see 'hyper list'` }, 404);
      else if (action === 'wait') send({ exitCode: 7, error: null });
      else if (action === 'start') send({ warnings: [], timing: null });
      else if (action === 'execs') send({ id: this.#newExec(text) });
      else if (action === 'logs') response.end(logBytes);
      else if (kind === 'containers') send(fakePod(known.id, known.spec, known.state).containers[0]);
      else if (request.method === 'GET') send(fakePod(known.id, known.spec, known.state));
      else send({});
    } else {
      send({ code: 'not_found', message: `no such call: ${call}` }, 404);
    }
  }

  /** Its pod files are what the API takes, and may say what is wrong with them. */
  #readPodFile(text: string, send: (body: unknown, status?: number) => void): void {
    const request = JSON.parse(text) as PodFileRequest;
    this.bodies.push(request);
    if (request.text.startsWith('wrong')) send({ code: 'bad_request', message: request.text }, 400);
    else send({ spec: JSON.parse(request.text) as unknown });
  }

  /** Or why not. */
  #create(text: string): FakePod | string {
    const spec = JSON.parse(text) as PodSpec;
    this.bodies.push(spec);
    const image = spec.containers.map((container) => container.image).find((each) => !this.images.has(each));
    if (image !== undefined) return `no such image: ${image}`;
    const id = `pod-abcdefghi${String.fromCharCode(65 + this.pods.size)}`;
    const pod: FakePod = { id, spec, state: 'pending' };
    this.pods.set(id, pod);
    return pod;
  }

  #run(text: string, client: WebSocket): void {
    const made = this.#create(text);
    if (typeof made === 'string') {
      client.send(JSON.stringify({ type: 'error', code: 'image_not_found', message: made }));
      client.close();
      return;
    }
    client.send(JSON.stringify({ type: 'created', id: made.id }));
    void playProcess(client, made.id, made.spec.containers[0]?.command ?? []);
  }

  #newExec(text: string): string {
    const spec = JSON.parse(text) as ExecSpec;
    this.bodies.push(spec);
    const id = `exec${this.execs.size}`;
    this.execs.set(id, spec);
    return id;
  }

  #attach(url: string, client: WebSocket): void {
    if (url.startsWith('/v1/run')) {
      client.once('message', (spec: Buffer) => this.#run(spec.toString(), client));
      return;
    }
    const [, kind, id = '', action] = /^\/v1\/(pods|execs)\/([^/]+)\/(attach|exec)/.exec(url) ?? [];
    if (action === 'exec') {
      client.once('message', (spec: Buffer) => {
        if (!this.pods.has(id)) {
          client.send(JSON.stringify({ type: 'error', code: 'not_found', message: `no such pod: ${id}` }));
          client.close();
          return;
        }
        const exec = this.#newExec(spec.toString());
        void playProcess(client, exec, this.execs.get(exec)?.args ?? []);
      });
      return;
    }
    const args = kind === 'pods' ? this.pods.get(id)?.spec.containers[0]?.command : this.execs.get(id)?.args;
    void playProcess(client, id, args ?? []);
  }
}

/** One record on each stream (contract/attach.ts). */
const logBytes = Buffer.concat(
  [
    { stream: 1, text: 'to stdout\n' },
    { stream: 2, text: 'to stderr\n' },
  ].map(({ stream, text }) => {
    const header = Buffer.alloc(13);
    header.writeUInt8(stream, 0);
    header.writeUInt32LE(text.length, 1);
    header.writeBigUInt64LE(1_767_225_600_123_456_789n, 5);
    return Buffer.concat([header, Buffer.from(text)]);
  }),
);
