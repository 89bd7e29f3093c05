import type { HyperClient } from '../client/index.ts';

/** What a command works with; the program makes it, and tests can. */
export interface Cli {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the process will exit with, unless something is thrown. */
  exitCode: number;
  /** A client of the daemon that answers, started when there is none; `startDaemon: false` never starts one. */
  connect(options?: { readonly startDaemon?: boolean }): Promise<HyperClient>;
  /** A line on stdout. */
  print(line: string): void;
  /** A line on stderr. */
  note(line: string): void;
}
