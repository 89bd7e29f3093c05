import type { z } from 'zod';
import type { TarAnswer } from './archive-answer.ts';
import type { RouteName, Routes } from '../../contract/index.ts';

type Parsed<R, K extends string> = R extends Readonly<Record<K, z.ZodType>> ? z.infer<R[K]> : unknown;

/** What a handler is given: validated input, and the end of the caller's patience. */
export interface Call<N extends RouteName> {
  readonly params: Parsed<Routes[N], 'params'>;
  readonly query: Parsed<Routes[N], 'query'>;
  readonly body: Parsed<Routes[N], 'body'>;
  /** The bytes that the caller uploads, where the route takes them. */
  readonly upload: AsyncIterable<Uint8Array>;
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal;
}

type Kind<N extends RouteName> = Routes[N]['kind'];
type Answer<N extends RouteName> =
  Kind<N> extends 'json'
    ? Promise<Parsed<Routes[N], 'response'>>
    : Kind<N> extends 'ndjson'
      ? AsyncIterable<Parsed<Routes[N], 'response'>>
      : Kind<N> extends 'tar'
        ? Promise<TarAnswer>
        : Promise<AsyncIterable<Uint8Array>>;

/** Every route but the WebSockets. */
export type HttpRoute = { [N in RouteName]: Kind<N> extends 'websocket' ? never : N }[RouteName];
export type Handlers = { readonly [N in HttpRoute]: (call: Call<N>) => Answer<N> };
