import type { Backoff } from '../../lib/backoff.ts';
import { retry } from '../../lib/backoff.ts';
import type { Digest } from '../../lib/digest.ts';
import { asHyperError, HyperError } from '../../lib/errors.ts';
import type { ImageStoreConfig } from '../config.ts';
import type { Descriptor, ImageManifest } from '../manifest.ts';
import { parseManifest } from '../manifest.ts';
import { choosePlatform } from '../platform.ts';
import type { Reference } from '../../lib/image-reference.ts';
import { familiarName } from '../../lib/image-reference.ts';
import type { Credentials } from '../../lib/credentials.ts';
import { endpointsOf } from './endpoints.ts';
import { fetchBlob } from './fetch-blob.ts';
import { fetchConfig, fetchManifest } from './fetch-manifest.ts';
import { findCredentials } from '../../lib/find-credentials.ts';
import { isTransient } from './network-failure.ts';
import { RegistrySession } from './registry-session.ts';
import { Transport } from './transport.ts';

/** An image as a registry has it: manifest and config are verified, its layers are still there. */
export interface RemoteImage {
  /** Of what the reference names: an index, or the manifest itself. */
  readonly digest: Digest;
  readonly manifest: ImageManifest;
  readonly manifestBytes: Buffer;
  readonly configBytes: Buffer;
  /** Servers that may have its layers, the best first. */
  readonly sessions: readonly RegistrySession[];
}

const defaultBackoff: Backoff = { attempts: 5, delayMs: 500 };
/** An index may name another index, but not without end. */
const maxIndexDepth = 3;

/** Pulls from registries and their mirrors. */
export class RegistryClient implements AsyncDisposable {
  readonly #config: ImageStoreConfig;
  readonly #transport: Transport;
  readonly #backoff: Backoff;

  constructor(config: ImageStoreConfig) {
    this.#config = config;
    this.#transport = new Transport(config);
    this.#backoff = {
      attempts: config.attempts ?? defaultBackoff.attempts,
      delayMs: config.retryDelayMs ?? defaultBackoff.delayMs,
    };
  }

  /**
   * Finds what a reference means for our platform: the mirrors are asked in order, then the registry.
   *
   * @throws HyperError that says what each of them said
   */
  async resolve(reference: Reference, login: Credentials | undefined, signal: AbortSignal): Promise<RemoteImage> {
    const sessions = endpointsOf(reference.registry, this.#config).map(
      (endpoint) =>
        new RegistrySession({
          transport: this.#transport,
          endpoint,
          repository: reference.repository,
          credentials: (wanted) =>
            login !== undefined && endpoint.host === reference.registry
              ? Promise.resolve(login)
              : findCredentials(endpoint.host, this.#config, wanted),
        }),
    );
    const failures: HyperError[] = [];
    for (const [index, session] of sessions.entries()) {
      try {
        return await this.#resolveAt(session, sessions.slice(index), reference, signal);
      } catch (thrown) {
        const error = asHyperError(thrown);
        if (signal.aborted) throw error;
        failures.push(error);
      }
    }
    const last = failures.at(-1);
    if (last === undefined || failures.length === 1) throw last ?? new HyperError('internal', 'no registry to ask');
    throw new HyperError(last.code, failures.map(({ message }) => message).join('; '), { cause: last });
  }

  /** Tries a login at a registry itself; answers with an identity token where it gives one. @throws HyperError `unauthorized` */
  async logIn(host: string, login: Credentials, signal: AbortSignal): Promise<string | undefined> {
    const endpoint = endpointsOf(host, this.#config).at(-1);
    if (endpoint === undefined) throw new HyperError('internal', 'no registry to ask');
    const credentials = (): Promise<Credentials> => Promise.resolve(login);
    return await new RegistrySession({ transport: this.#transport, endpoint, repository: '', credentials }).logIn(
      signal,
    );
  }

  /** A layer's bytes, unverified, over as many connections as it takes. */
  async *fetchLayer(
    image: RemoteImage,
    descriptor: Descriptor,
    signal: AbortSignal,
    onRetry: (error: HyperError) => void,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const { sessions } = image;
    for await (const chunk of fetchBlob({ sessions, descriptor, backoff: this.#backoff, signal, onRetry })) {
      this.#config.onPulledBytes?.(chunk.length);
      yield chunk;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#transport[Symbol.asyncDispose]();
  }

  async #resolveAt(
    session: RegistrySession,
    sessions: readonly RegistrySession[],
    reference: Reference,
    signal: AbortSignal,
  ): Promise<RemoteImage> {
    const name = familiarName(reference);
    const attempt = <T>(task: () => Promise<T>): Promise<T> =>
      retry(this.#backoff, signal, (error) => isTransient(error), task);
    let wanted: string = reference.digest ?? reference.tag ?? 'latest';
    let top: Digest | undefined;
    for (let depth = 0; depth < maxIndexDepth; depth++) {
      const fetched = await attempt(() => fetchManifest(session, wanted, name, signal));
      top ??= fetched.digest;
      const manifest = parseManifest(fetched.bytes, fetched.mediaType, name);
      if (manifest.kind === 'index') {
        wanted = choosePlatform(manifest, name).digest;
        continue;
      }
      const configBytes = await attempt(() => fetchConfig(session, manifest.config, `config of ${name}`, signal));
      return { digest: top, manifest, manifestBytes: fetched.bytes, configBytes, sessions };
    }
    throw new HyperError('corrupt', `${name} is an index of indexes without end`);
  }
}
