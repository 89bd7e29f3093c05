import { destination, pino, stdSerializers } from 'pino';
import type { Log } from '../lib/log.ts';

/** JSON lines on stderr, written at once: a log must not lose what came before a crash. */
export function openLog(level: string): Log {
  const options = { level, base: null, serializers: { error: stdSerializers.err } };
  return pino(
    { ...options, timestamp: () => `,"time":"${new Date().toISOString()}"` },
    destination({ fd: 2, sync: true }),
  );
}
