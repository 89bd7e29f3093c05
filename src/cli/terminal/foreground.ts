import { fstatSync, readFileSync, type Stats } from 'node:fs';
import { stderr, stdout } from '../standard-streams.ts';

/** The major number of /dev/null and its like. */
const memoryDevices = 1;

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

/** Whether a descriptor is a terminal's. node:tty takes two milliseconds to load, and is asked of character devices only. */
export function isTerminal(fd: number): boolean {
  const stat = statOf(fd);
  if (stat === undefined || !stat.isCharacterDevice() || major(stat.rdev) === memoryDevices) return false;
  return process.getBuiltinModule('node:tty').isatty(fd);
}

function statOf(fd: number): Stats | undefined {
  try {
    return fstatSync(fd);
  } catch {
    return undefined; // it is closed
  }
}

/** As makedev(3) puts it together, for those below 4096. */
const major = (device: number): number => (device >> 8) & 0xfff;

/** What the standard streams are, for the choice of a tty. */
export interface StandardStreams {
  readonly stdinIsTerminal: boolean;
  readonly stdoutIsTerminal: boolean;
}

export function standardStreams(): StandardStreams {
  return { stdinIsTerminal: isTerminal(0) && inForeground(), stdoutIsTerminal: isTerminal(1) };
}

/** The terminal's size, for a process that gets a tty; undefined where there is no terminal. */
export function terminalSize(): { rows: number; cols: number } | undefined {
  const terminal = [stdout(), stderr()].find((stream) => stream.isTTY && stream.columns > 0);
  return terminal === undefined ? undefined : { rows: Math.max(1, terminal.rows), cols: terminal.columns };
}
