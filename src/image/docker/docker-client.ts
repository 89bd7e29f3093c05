import { Agent } from 'undici';
import { z } from 'zod';
import type { Digest } from '../../lib/digest.ts';
import { isDigest } from '../../lib/digest.ts';

const Inspected = z.object({ Id: z.string().refine(isDigest), Os: z.string(), Architecture: z.string() });

/** An image that the Docker on this machine has. */
export interface DockerImage {
  readonly id: Digest;
  readonly os: string;
  readonly architecture: string;
}

const defaultSocket = '/var/run/docker.sock';
const largestAnswer = 8 << 20;
const answerWithinMs = 10_000;

/** The unix socket of this machine's Docker; undefined when DOCKER_HOST says another machine. */
export function dockerSocket(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const host = environment['DOCKER_HOST'] ?? '';
  if (host === '') return defaultSocket;
  return host.startsWith('unix://') ? host.slice('unix://'.length) : undefined;
}

/** Docker's API, as much as it takes to copy an image out of it. */
export class DockerClient implements AsyncDisposable {
  readonly #agent: Agent;

  constructor(socketPath: string) {
    // An export may take Docker long to begin; what it has begun flows.
    this.#agent = new Agent({ connect: { socketPath }, headersTimeout: 300_000, bodyTimeout: 300_000 });
  }

  /** @returns undefined when Docker has no such image */
  async inspect(name: string, signal: AbortSignal): Promise<DockerImage | undefined> {
    const response = await this.#get(name, 'json', AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]));
    if (response.statusCode !== 200 || Number(response.headers['content-length'] ?? 0) > largestAnswer) {
      await response.body.dump();
      return undefined;
    }
    const { Id, Os, Architecture } = Inspected.parse(await response.body.json());
    return { id: Id, os: Os, architecture: Architecture };
  }

  /** The image as `docker save` writes it. */
  async *export(name: string, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    const response = await this.#get(name, 'get', signal);
    if (response.statusCode !== 200) {
      await response.body.dump();
      throw new Error(`docker answers ${response.statusCode}`);
    }
    for await (const chunk of response.body) {
      if (!(chunk instanceof Uint8Array)) throw new TypeError('a response is bytes');
      yield chunk;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#agent.destroy();
  }

  #get(name: string, what: string, signal: AbortSignal): ReturnType<Agent['request']> {
    const path = `/images/${name.split('/').map(encodeURIComponent).join('/')}/${what}`;
    return this.#agent.request({ origin: 'http://docker', path, method: 'GET', signal });
  }
}
