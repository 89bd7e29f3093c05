import { destination, pino, stdSerializers } from 'pino';
import type { Log } from '../lib/log.ts';

/** What is kept of lines that cannot be written, until they can. */
const mostHeldBytes = 1 << 20;

/**
 * JSON lines on stderr, written at once: a log must not lose what came before a crash. Where they cannot be written, as on a
 * full disk, nobody is told: who logs is often about to mend something.
 */
export function openLog(level: string): Log {
  const stderr = destination({ fd: 2, sync: true, maxLength: mostHeldBytes });
  stderr.removeAllListeners('error'); // pino's own throws
  stderr.on('error', () => undefined);
  const options = { level, base: null, serializers: { error: stdSerializers.err } };
  return pino({ ...options, timestamp: () => `,"time":"${new Date().toISOString()}"` }, stderr);
}
