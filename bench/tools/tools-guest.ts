/** A guest that has the tools, and the host beside it: one of ours, or one without Hyper. */
export interface ToolsGuest extends AsyncDisposable {
  readonly address: string;
  /** Runs a line of the shell's among the tools. */
  run(line: string): Promise<string>;
  /** Runs a program of the host's where the guest can be reached. */
  onHost(file: string, ...args: readonly string[]): Promise<string>;
}

/** What a guest has beside /scratch, which is on its writable disk: another disk at /disk, a folder of the host's at /folder. */
export interface ToolsGuestWish {
  readonly disk?: boolean;
  readonly folder?: string;
}
