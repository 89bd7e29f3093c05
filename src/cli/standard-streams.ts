import type { WriteStream } from 'node:tty';

/** Those that were asked for: what they hold must be written before we exit. */
const opened = new Set<WriteStream>();

/** Our stdout, which Bun opens when it is first asked for: that takes it six milliseconds. */
export function stdout(): WriteStream {
  return noted(process.stdout);
}

/** Our stderr, likewise. */
export function stderr(): WriteStream {
  return noted(process.stderr);
}

export function openedStreams(): readonly WriteStream[] {
  return [...opened];
}

function noted(stream: WriteStream): WriteStream {
  opened.add(stream);
  return stream;
}
