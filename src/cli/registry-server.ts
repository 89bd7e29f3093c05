import { hostOfKey } from '../lib/find-credentials.ts';
import { UsageError } from './usage-error.ts';

/** The registry that `login` and `logout` name: a host, with its port; docker's hub where they name none. */
export function registryServer(text = 'docker.io'): string {
  const host = hostOfKey(text);
  if (!/^[A-Za-z0-9.:_[\]-]+$/.test(host)) {
    throw new UsageError(`the registry is '${text}': give HOST or HOST:PORT, as registry.example:5000`);
  }
  return host;
}
