import { z } from 'zod';
import { ApiError, routes } from '../../contract/index.ts';

interface Documented {
  readonly method: string;
  readonly path: string;
  readonly kind: string;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  readonly upload?: boolean;
  readonly response?: z.ZodType;
}

const contentTypes: Readonly<Record<string, string>> = {
  json: 'application/json',
  ndjson: 'application/x-ndjson',
  bytes: 'application/vnd.hyper.log',
  tar: 'application/x-tar',
};

const schemaOf = (schema: z.ZodType): object => z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });

/** The OpenAPI 3.1 document, made from the contract's table. */
export function openApi(version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const [operationId, route] of Object.entries<Documented>(routes)) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    const operations = (paths[path] ??= {});
    operations[route.method.toLowerCase()] = operation(operationId, route);
  }
  return { openapi: '3.1.0', info: { title: 'Hyper', version, license: { name: 'Apache-2.0' } }, paths };
}

function operation(operationId: string, route: Documented): object {
  const parameters = [...parametersOf(route.params, 'path'), ...parametersOf(route.query, 'query')];
  const contentType = contentTypes[route.kind];
  const success =
    contentType === undefined
      ? { 101: { description: 'a WebSocket: see docs/api.md, Attach' } }
      : {
          200: {
            description: 'success',
            content: { [contentType]: route.response === undefined ? {} : { schema: schemaOf(route.response) } },
          },
        };
  return {
    operationId,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...requestBodyOf(route),
    responses: {
      ...success,
      default: { description: 'an error', content: { 'application/json': { schema: schemaOf(ApiError) } } },
    },
  };
}

function requestBodyOf({ body, upload }: Documented): object {
  if (body !== undefined) return { requestBody: { content: { 'application/json': { schema: schemaOf(body) } } } };
  return upload === true ? { requestBody: { content: { 'application/octet-stream': {} } } } : {};
}

function parametersOf(schema: z.ZodType | undefined, place: 'path' | 'query'): object[] {
  if (!(schema instanceof z.ZodObject)) return [];
  return Object.entries<z.ZodType>(schema.shape).map(([name, field]) => ({
    name,
    in: place,
    required: place === 'path' || !field.safeParse(undefined).success,
    schema: schemaOf(field),
  }));
}
