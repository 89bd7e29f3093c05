import type { z } from 'zod';
import type { RouteName, Routes } from '../contract/index.ts';

/**
 * The types of each call, inferred from the contract's schemas. Types only: loading zod takes 100 ms, and this room is
 * on the CLI's start path.
 */
export type ParamsOf<N extends RouteName> = Routes[N] extends { readonly params: infer S extends z.ZodType }
  ? z.input<S>
  : undefined;

export type BodyOf<N extends RouteName> = Routes[N] extends { readonly body: infer S extends z.ZodType }
  ? z.input<S>
  : undefined;

export type AnswerOf<N extends RouteName> = Routes[N] extends { readonly response: infer S extends z.ZodType }
  ? z.output<S>
  : undefined;

type OfKind<K extends Routes[RouteName]['kind']> = {
  [N in RouteName]: Routes[N]['kind'] extends K ? N : never;
}[RouteName];

export type JsonRoute = OfKind<'json'>;
export type NdjsonRoute = OfKind<'ndjson'>;
export type BytesRoute = OfKind<'bytes'>;
export type WebsocketRoute = OfKind<'websocket'>;
