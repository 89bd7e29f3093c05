import { messageOf, HyperError } from '../../lib/errors.ts';
import { ExecSpec, PodSpec, routes } from '../../contract/index.ts';
import type { AttachClient, Attachment, Engine } from '../../engine/index.ts';
import { check } from './register-routes.ts';

/**
 * Attaches a client to a process, which it may start. `signal`: the client has gone; `opening`: the client's first message,
 * which must be asked for at once.
 */
export type Attach = (
  client: AttachClient & { created(podId: string): void },
  signal: AbortSignal,
  opening: () => Promise<Buffer>,
) => Promise<Attachment>;

/** What an attach request is for; the pod or exec must exist. @throws HyperError `not_found`, `bad_request` */
export function attachTarget(engine: Engine, requested: string): Attach {
  const url = new URL(requested, 'http://hyperd');
  if (url.pathname === routes.podRun.path) return runTarget(engine, check(routes.podRun.query, queryOf(url), 'query'));
  const [, kind, text, action] = /^\/v1\/(pods|execs)\/([^/]+)\/(attach|exec)$/.exec(url.pathname) ?? [];
  const id = decodeURIComponent(text ?? '');
  switch (`${kind} ${action}`) {
    case 'execs attach': {
      const exec = engine.execs.get(id);
      return async (client) => await engine.execs.start(exec.id, client);
    }
    case 'pods exec':
      engine.target(id);
      return async (client, _signal, opening) => {
        const spec = check(ExecSpec, parsed(await opening()), 'the first message');
        return await engine.execs.start(engine.execs.create(id, spec).id, client);
      };
    case 'pods attach': {
      const query = check(routes.podAttach.query, queryOf(url), 'query');
      const { pod, container } = engine.target(id);
      const { start = false, stdin = false } = query;
      return async (client, signal) => await pod.attach(container, client, { start, stdin, signal });
    }
    default:
      throw new HyperError('not_found', `no such call: ${url.pathname}`);
  }
}

function runTarget(engine: Engine, { stdin = false }: { readonly stdin?: boolean | undefined }): Attach {
  return async (client, signal, opening) => {
    const spec = check(PodSpec, parsed(await opening()), 'the first message');
    const { id } = await engine.createPod(spec, signal);
    const { pod, container } = engine.target(id);
    if (signal.aborted) {
      await pod.remove(true, true); // nobody has heard of it
      signal.throwIfAborted();
    }
    client.created(id);
    return await pod.attach(container, client, { start: true, stdin, signal });
  };
}

const queryOf = ({ searchParams }: URL): unknown => Object.fromEntries(searchParams);

function parsed(message: Buffer): unknown {
  try {
    return JSON.parse(message.toString('utf8'));
  } catch (error) {
    throw new HyperError('bad_request', `the first message is not JSON: ${messageOf(error)}`);
  }
}
