import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type RouteName, routes } from '../../contract/index.ts';
import { HyperError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { sendArchive, type TarAnswer } from './archive-answer.ts';
import { httpError } from './http-errors.ts';
import type { Handlers } from './route-types.ts';
import { Upload } from './upload.ts';

const anything = z.unknown();

interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly kind: 'json' | 'ndjson' | 'bytes' | 'tar' | 'websocket';
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  readonly upload?: boolean;
}

type AnyHandler = (call: {
  params: unknown;
  query: unknown;
  body: unknown;
  upload: AsyncIterable<Uint8Array>;
  signal: AbortSignal;
}) => Promise<unknown> | AsyncIterable<unknown>;

/** Serves every route of the contract's table with its handler: input is checked against the route's schemas. */
export function registerRoutes(app: FastifyInstance, handlers: Handlers, log: Log): void {
  const table: Readonly<Record<RouteName, Route>> = routes;
  const byName: Readonly<Partial<Record<string, unknown>>> = handlers;
  for (const [name, route] of Object.entries(table)) {
    if (route.kind === 'websocket') continue;
    const handler = byName[name];
    if (!isHandler(handler)) throw new HyperError('internal', `route ${name} has no handler`);
    app.route({
      method: route.method,
      url: route.path,
      exposeHeadRoute: route.kind !== 'tar', // it would read the whole of it
      handler: async (request, reply) => await serve(route, handler, request, reply, log),
    });
  }
}

function isHandler(value: unknown): value is AnyHandler {
  return typeof value === 'function';
}

async function serve(
  route: Route,
  handler: AnyHandler,
  request: FastifyRequest,
  reply: FastifyReply,
  log: Log,
): Promise<FastifyReply> {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort(new HyperError('cancelled', 'the caller has gone')));
  const upload = route.upload === true ? new Upload(request.raw) : undefined;
  let value: unknown;
  try {
    value = await handler({
      params: check(route.params ?? anything, request.params, 'path'),
      query: check(route.query ?? anything, request.query, 'query'),
      body: check(route.body ?? anything, request.body ?? {}, 'body'),
      upload: upload ?? request.raw,
      signal: gone.signal,
    });
  } catch (error) {
    await upload?.drop();
    throw error;
  }
  if (route.kind === 'ndjson') {
    return reply.type('application/x-ndjson').send(Readable.from(lines(value as AsyncIterable<unknown>, upload, log)));
  }
  await upload?.drop();
  if (route.kind === 'tar') return sendArchive(value as TarAnswer, reply, log);
  if (route.kind === 'bytes') {
    return reply.type('application/vnd.hyper.log').send(Readable.from(value as AsyncIterable<Uint8Array>));
  }
  return reply.type('application/json').send(JSON.stringify(value));
}

/** Input that does not fit is refused with the path to the field, and what is allowed. */
export function check<T>(schema: z.ZodType<T>, input: unknown, where: string): T {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const issues = result.error.issues.map(
    ({ path, message }) => `${path.length === 0 ? where : path.join('.')}: ${message}`,
  );
  throw new HyperError('bad_request', issues.join('; '));
}

/** Once an answer has begun, its status is sent: what fails after that is told in its last line. */
async function* lines(items: AsyncIterable<unknown>, upload: Upload | undefined, log: Log): AsyncGenerator<string> {
  try {
    for await (const item of items) yield `${JSON.stringify(item)}\n`;
  } catch (error) {
    const { body, status } = httpError(error);
    if (status >= 500) log.warn({ error }, body.message);
    yield `${JSON.stringify({ type: 'error', ...body })}\n`;
  }
  await upload?.drop(); // the answer's end closes the connection
}
