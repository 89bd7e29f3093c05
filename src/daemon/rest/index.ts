import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { WebSocketServer } from 'ws';
import type { Engine } from '../../engine/index.ts';
import { HyperError, messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { serveAttach } from './attach-socket.ts';
import { attachTarget } from './attach-target.ts';
import { httpError } from './http-errors.ts';
import { eventHandlers } from './event-handlers.ts';
import { execHandlers } from './exec-handlers.ts';
import { fileHandlers } from './file-handlers.ts';
import { imageHandlers } from './image-handlers.ts';
import { networkHandlers } from './network-handlers.ts';
import { openApi } from './openapi.ts';
import { podFileHandlers } from './pod-file-handlers.ts';
import { podHandlers } from './pod-handlers.ts';
import { recordHandlers } from './record-handlers.ts';
import { registerRoutes } from './register-routes.ts';
import { type DaemonFacts, systemHandlers } from './system-handlers.ts';
import { serviceHandlers } from './service-handlers.ts';
import { volumeHandlers } from './volume-handlers.ts';

export type { DaemonFacts } from './system-handlers.ts';

/** What is served on /metrics. */
export interface MetricsPage {
  readonly contentType: string;
  text(): Promise<string>;
}

export interface RestDoorOptions {
  readonly engine: Engine;
  readonly facts: DaemonFacts;
  readonly metrics: MetricsPage;
  readonly log: Log;
}

/** As large as a JSON body: an ExecSpec may come as a message (api-server.ts). */
const maxMessageBytes = 32 << 20;

/** Hyper's own API: routes, errors, /openapi.json, /metrics and the attach WebSockets. */
export function openRestDoor(app: FastifyInstance, { engine, facts, metrics, log }: RestDoorOptions): void {
  app.addContentTypeParser(['application/x-tar', 'application/octet-stream'], (_request, _payload, done) => done(null));
  // Many clients name a type also for a body that they do not send.
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, text, done) => {
    try {
      done(null, text === '' ? {} : (JSON.parse(String(text)) as unknown));
    } catch (error) {
      done(new HyperError('bad_request', `the body is not JSON: ${messageOf(error)}`));
    }
  });
  app.setErrorHandler((error, request, reply) => {
    const { status, body } = httpError(fromFastify(error));
    if (status >= 500) log.warn({ error, method: request.method, url: request.url }, body.message);
    return reply.status(status).send(body);
  });
  app.setNotFoundHandler((request, reply) =>
    reply
      .status(404)
      .send({ code: 'not_found', message: `no such call: ${request.method} ${request.url}: see /openapi.json` }),
  );
  app.get('/openapi.json', () => openApi(facts.version));
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()));
  registerRoutes(
    app,
    {
      ...{ ...systemHandlers(engine, facts), ...imageHandlers(engine), ...networkHandlers(engine) },
      ...{ ...eventHandlers(engine), ...serviceHandlers(engine), ...fileHandlers(engine), ...recordHandlers(engine) },
      ...{ ...podHandlers(engine), ...execHandlers(engine), ...podFileHandlers(), ...volumeHandlers(engine) },
    },
    log,
  );

  const webSockets = new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes, perMessageDeflate: false });
  app.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // From here on the socket is ours, and Node hears its errors no more: a client that has left is no defect.
    socket.on('error', (error) => log.debug({ error: messageOf(error), url: request.url }, 'a client left'));
    try {
      const attach = attachTarget(engine, request.url ?? '/');
      webSockets.handleUpgrade(request, socket, head, (webSocket) => void serveAttach(webSocket, attach, log));
    } catch (error) {
      refuseUpgrade(socket, error);
    }
  });
}

function refuseUpgrade(socket: Duplex, error: unknown): void {
  const { status, body } = httpError(error);
  const text = JSON.stringify(body);
  const head = `HTTP/1.1 ${status} Refused\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}`;
  socket.end(`${head}\r\nConnection: close\r\n\r\n${text}`);
}

/** Fastify's own refusals (a body that is no JSON, too large a body) are the caller's fault. */
function fromFastify(error: unknown): unknown {
  const refused =
    error instanceof Error &&
    'statusCode' in error &&
    (error.statusCode === 400 || error.statusCode === 413 || error.statusCode === 415);
  return refused ? new HyperError('bad_request', error.message, { cause: error }) : error;
}
