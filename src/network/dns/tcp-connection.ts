import type { Socket } from 'node:net';
import { frame, Unframer } from './message.ts';

/** Queries of one connection that are answered side by side (RFC 7766, 6.2.1.1). */
const maxPending = 16;
/** What may wait for a client to read it before it is asked no more: one answer of the greatest length. */
const maxUnreadBytes = 64 << 10;

/**
 * Answers what comes over a connection. A client is read no faster than it reads its answers, and left when none has
 * gone out for `idleMs`, whatever it sends meanwhile.
 *
 * @param answer never throws; undefined for what gets no answer
 */
export function serveConnection(
  socket: Socket,
  answer: (message: Buffer) => Promise<Buffer | undefined>,
  idleMs: number,
): void {
  const unframer = new Unframer();
  const waiting: Buffer[] = [];
  let pending = 0;
  const idle = setTimeout(() => socket.destroy(), idleMs);
  const goOn = (): void => {
    while (pending < maxPending && socket.writableLength < maxUnreadBytes) {
      const message = waiting.shift();
      if (message === undefined) {
        socket.resume();
        return;
      }
      pending += 1;
      void answer(message).then((answered) => {
        pending -= 1;
        if (answered !== undefined) socket.write(frame(answered), refresh);
        goOn();
      });
    }
    socket.pause();
  };
  const refresh = (error?: Error | null): void => {
    if (error == null) idle.refresh();
  };
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    clearTimeout(idle);
    waiting.length = 0;
  });
  socket.on('drain', goOn);
  socket.on('data', (chunk: Buffer) => {
    waiting.push(...unframer.push(chunk));
    goOn();
  });
}
