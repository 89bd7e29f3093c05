import type { OutputStream } from '../guest/index.ts';
import type { HyperError } from '../lib/errors.ts';
import type { StartTiming } from './start-timing.ts';
import type { OutputSubscriber } from './process-output.ts';

/** Who is attached: a front door's connection. */
export interface AttachClient {
  readonly output: OutputSubscriber;
  /**
   * The process runs. `id` is the pod's or the exec's; `warnings`: what its user should know; `timing`: of the pod's start
   * where the client made it.
   */
  readonly started: (id: string, warnings: readonly string[], timing: StartTiming | null) => void;
  /** The process has ended and all of its output was given to `output`. */
  readonly exited: (exitCode: number) => void;
  /** It could not be started, or its VM went away. */
  readonly failed: (error: HyperError) => void;
}

/** What an attached client can do. Each call is harmless after the end. */
export interface Attachment {
  /** Resolves when more can be taken. */
  write(bytes: Buffer): Promise<void>;
  eof(): void;
  resize(rows: number, cols: number): Promise<void>;
  signal(signal: string): Promise<void>;
  /** The reader of a stream has gone: the process gets EPIPE. */
  hangup(stream: OutputStream): Promise<void>;
  /** The client has gone. */
  leave(): void;
}
