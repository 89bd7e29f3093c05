import { readFile, stat } from 'node:fs/promises';
import { isIP } from 'node:net';
import { systemCode } from '../../lib/errors.ts';

/** The nameservers of a resolv.conf (resolv.conf(5)); with none, the one on this machine, as the C library does. */
export function parseResolvConf(text: string): string[] {
  const servers = text.split('\n').flatMap((line) => {
    const [, server = ''] = /^\s*nameserver\s+(\S+)/.exec(line) ?? [];
    return isIP(server.split('%')[0] ?? '') === 0 ? [] : [server];
  });
  return servers.length === 0 ? ['127.0.0.1'] : servers;
}

/** Gives the nameservers of a file, reading it again when it has changed. */
export function fileUpstreams(path = '/etc/resolv.conf'): () => Promise<readonly string[]> {
  let stamp = '';
  let servers: readonly string[] = [];
  return async () => {
    try {
      const { mtimeMs, ino, size } = await stat(path);
      const now = `${mtimeMs} ${ino} ${size}`;
      if (now !== stamp) {
        servers = parseResolvConf(await readFile(path, 'utf8'));
        stamp = now;
      }
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
      servers = [];
    }
    return servers;
  };
}
