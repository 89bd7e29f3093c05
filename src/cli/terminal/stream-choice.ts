import { UsageError } from '../usage-error.ts';
import type { StandardStreams } from './foreground.ts';

export interface StreamFlags {
  readonly detach?: boolean | undefined;
  readonly interactive?: boolean | undefined;
  readonly tty?: boolean | undefined;
}

export interface StreamChoice {
  readonly tty: boolean;
  readonly stdin: boolean;
}

/**
 * Attached, a process gets a tty when stdin and stdout both are one (or by -t), and our stdin when that is a terminal (or
 * by -i). A file or pipe on stdin is sent by -i only: `while read x; do hyper run …; done < list` must keep its list.
 */
export function chooseStreams(flags: StreamFlags, streams: StandardStreams): StreamChoice {
  if (flags.detach === true) return { tty: flags.tty === true, stdin: flags.interactive === true };
  const tty = flags.tty ?? (streams.stdinIsTerminal && streams.stdoutIsTerminal);
  const stdin = flags.interactive ?? streams.stdinIsTerminal;
  if (flags.tty === true && flags.interactive === true && !streams.stdinIsTerminal) {
    throw new UsageError('the input device is not a TTY: leave out -t, or run it in a terminal');
  }
  return { tty, stdin };
}
