import { spawnSync } from 'node:child_process';

/**
 * What cfmakeraw(3) does, flag by flag. Node's and Bun's setRawMode leave OPOST and ONLCR on: the guest's own
 * terminal makes the carriage returns, and a bare newline must only go down.
 */
const cfmakeraw = [
  ...['-ignbrk', '-brkint', '-parmrk', '-istrip', '-inlcr', '-igncr', '-icrnl', '-ixon', '-opost'],
  ...['-echo', '-echonl', '-icanon', '-isig', '-iexten', 'cs8', '-parenb', 'min', '1', 'time', '0'],
];

/** The mode of the terminal on stdin: remembered, made raw, and put back on every way out of the process. */
export class TerminalMode {
  readonly #saved: string | null;
  #raw = false;

  /** Remembers the mode as it is now. */
  constructor() {
    const result = stty(['-g']);
    this.#saved = result.ok ? result.output : null;
  }

  makeRaw(): void {
    if (this.#raw) return;
    process.once('exit', this.restore);
    // A shell that continues a stopped job may have set its own mode meanwhile.
    process.on('SIGCONT', this.#setRaw);
    this.#setRaw();
  }

  restore = (): void => {
    process.off('exit', this.restore);
    process.off('SIGCONT', this.#setRaw);
    if (!this.#raw) return;
    this.#raw = false;
    if (this.#saved !== null) stty([this.#saved]);
    else process.stdin.setRawMode(false);
  };

  #setRaw = (): void => {
    this.#raw = true;
    // Without stty (a host with neither coreutils nor busybox) the runtime's own raw mode is the best there is.
    if (this.#saved === null || !stty(cfmakeraw).ok) process.stdin.setRawMode(true);
  };
}

function stty(args: readonly string[]): { readonly ok: boolean; readonly output: string } {
  const result = spawnSync('stty', args, { stdio: ['inherit', 'pipe', 'ignore'], encoding: 'utf8' });
  return { ok: result.status === 0, output: result.status === 0 ? result.stdout.trim() : '' };
}
