import { ApiFailure } from './api-failure.ts';

/**
 * The socket that a HYPER_HOST names: `unix:///run/hyper/hyper.sock`, or the path alone.
 *
 * @throws ApiFailure `bad_request` for anything else.
 */
export function socketOfHost(host: string): string {
  const path = host.startsWith('unix://') ? host.slice('unix://'.length) : host;
  if (path.startsWith('/')) return path;
  throw new ApiFailure(
    'bad_request',
    `HYPER_HOST is '${host}': it must name a unix socket, as unix:///run/hyper/hyper.sock`,
  );
}
