import { chmod, chown, readFile, rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fastify, type FastifyInstance } from 'fastify';
import type { Engine } from '../engine/index.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { type DaemonFacts, type MetricsPage, openRestDoor } from './rest/index.ts';

/** How long a client may take to close its connection. */
const goodbyeMs = 1000;
/** Of a JSON body: a pod's files are in it (contract/pod.ts). */
const maxBodyBytes = 32 << 20;

export interface ApiServerOptions {
  readonly engine: Engine;
  readonly facts: DaemonFacts;
  readonly metrics: MetricsPage;
  /** Its members may use the socket, where the group exists and hyperd is root. */
  readonly group: string;
  readonly log: Log;
}

/** The unix socket and what is served on it. */
export class ApiServer {
  readonly #app: FastifyInstance;
  readonly #socket: string;

  private constructor(app: FastifyInstance, socket: string) {
    this.#app = app;
    this.#socket = socket;
  }

  static async listen({ engine, facts, metrics, group, log }: ApiServerOptions): Promise<ApiServer> {
    const app = fastify({
      ...{ logger: false, forceCloseConnections: true, routerOptions: { maxParamLength: 200 } },
      bodyLimit: maxBodyBytes,
    });
    openRestDoor(app, { engine, facts, metrics, log });
    await rm(facts.socket, { force: true }); // of a hyperd that was killed: we have the lock
    await app.listen({ path: facts.socket });
    // Of one connection, when this process has no descriptor left.
    app.server.on('error', (error) => log.warn({ error: messageOf(error) }, 'a client was not let in'));
    const gid = facts.rootless ? undefined : await groupId(group);
    if (gid !== undefined) await chown(facts.socket, -1, gid);
    await chmod(facts.socket, gid === undefined ? 0o600 : 0o660);
    return new ApiServer(app, facts.socket);
  }

  /** New clients find no daemon; calls that run go on. */
  async stopListening(): Promise<void> {
    await rm(this.#socket, { force: true });
  }

  /** Says goodbye to those that are attached; who does not answer is left. */
  async close(): Promise<void> {
    await Promise.race([this.#app.close(), delay(goodbyeMs)]);
  }
}

async function groupId(name: string): Promise<number | undefined> {
  const groups = await readFile('/etc/group', 'utf8').catch(() => '');
  const line = groups.split('\n').find((each) => each.startsWith(`${name}:`));
  return line === undefined ? undefined : Number(line.split(':')[2]);
}
