import { readFileSync } from 'node:fs';
import { isatty } from 'node:tty';

/**
 * Whether this process's group may read the terminal. In the background (`hyper run … &`) reading or changing it would stop us
 * (SIGTTIN, SIGTTOU: termios(3)). Fields 5 and 8 of proc_pid_stat(5); what follows the name's last parenthesis is split.
 */
export function inForeground(): boolean {
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[2] === fields[5];
  } catch {
    return true; // no /proc: the common case is the foreground
  }
}

/** What the standard streams are, for the choice of a tty. */
export interface StandardStreams {
  readonly stdinIsTerminal: boolean;
  readonly stdoutIsTerminal: boolean;
}

export function standardStreams(): StandardStreams {
  return { stdinIsTerminal: isatty(0) && inForeground(), stdoutIsTerminal: isatty(1) };
}

/** The terminal's size, for a process that gets a tty; undefined where there is no terminal. */
export function terminalSize(): { rows: number; cols: number } | undefined {
  const terminal = [process.stdout, process.stderr].find((stream) => stream.isTTY && stream.columns > 0);
  return terminal === undefined ? undefined : { rows: Math.max(1, terminal.rows), cols: terminal.columns };
}
