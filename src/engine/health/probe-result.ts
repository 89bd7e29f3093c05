/** What a health check or a probe has said. */
export interface ProbeResult {
  /** 0: all is well; -1: it could not be run, or took too long. */
  readonly exitCode: number;
  /** At most `mostOutputBytes`. */
  readonly output: string;
}

/** As docker's. */
export const mostOutputBytes = 4096;

/** The first bytes of what comes; what is more is dropped. */
export class BoundedOutput {
  readonly #pieces: Buffer[] = [];
  #bytes = 0;

  /** Whether no more is taken. */
  get isFull(): boolean {
    return this.#bytes >= mostOutputBytes;
  }

  add(piece: Buffer): void {
    if (this.isFull) return;
    const taken = Buffer.from(piece.subarray(0, mostOutputBytes - this.#bytes));
    this.#pieces.push(taken);
    this.#bytes += taken.length;
  }

  text(): string {
    return Buffer.concat(this.#pieces).toString('utf8');
  }
}

/** What says the result of one that took too long, in docker's words. */
export function tooLate(timeoutSeconds: number, output: string): ProbeResult {
  const text = `Health check exceeded timeout (${timeoutSeconds}s)${output === '' ? '' : `: ${output}`}`;
  return { exitCode: -1, output: text.slice(0, mostOutputBytes) };
}
