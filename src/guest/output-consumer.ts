export type OutputStream = 1 | 2;

/** Takes a process's output. It must acknowledge what it has persisted, or the process is held. */
export interface OutputConsumer {
  /** `offset`: where in the stream the bytes begin. */
  data(stream: OutputStream, bytes: Buffer, offset: number): void;
  /** `offset`: the stream's length. */
  end(stream: OutputStream, offset: number): void;
}
