import { messageOf, HyperError } from '../../lib/errors.ts';
import { ExecSpec, routes } from '../../contract/index.ts';
import type { AttachClient, Attachment, Engine } from '../../engine/index.ts';
import { check } from './register-routes.ts';

/**
 * Attaches a client to a process, which it may start. `signal`: the client has gone; `opening`: the client's first message,
 * which must be asked for at once.
 */
export type Attach = (client: AttachClient, signal: AbortSignal, opening: () => Promise<Buffer>) => Promise<Attachment>;

/** What an attach request is for; the pod or exec must exist. @throws HyperError `not_found`, `bad_request` */
export function attachTarget(engine: Engine, requested: string): Attach {
  const url = new URL(requested, 'http://hyperd');
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
      const query = check(routes.podAttach.query, Object.fromEntries(url.searchParams), 'query');
      const { pod, container } = engine.target(id);
      const { start = false, stdin = false } = query;
      return async (client, signal) => await pod.attach(container, client, { start, stdin, signal });
    }
    default:
      throw new HyperError('not_found', `no such call: ${url.pathname}`);
  }
}

function parsed(message: Buffer): unknown {
  try {
    return JSON.parse(message.toString('utf8'));
  } catch (error) {
    throw new HyperError('bad_request', `the first message is not JSON: ${messageOf(error)}`);
  }
}
