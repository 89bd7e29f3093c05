import { spawn, type IPty } from '@lydell/node-pty';
import headless from '@xterm/headless';

const limitMs = 30_000;

export interface ScreenOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cols?: number;
  readonly rows?: number;
}

/** A program on a terminal of its own, and what a person would see there. */
export class Screen implements Disposable {
  /** The program's exit code; 128 + n when signal n ended it. */
  readonly exit: Promise<number>;
  readonly #pty: IPty;
  readonly #terminal: InstanceType<typeof headless.Terminal>;
  #output: Buffer[] = [];
  #changed = Promise.withResolvers<void>();

  constructor(file: string, args: readonly string[], { env = process.env, cols = 80, rows = 24 }: ScreenOptions = {}) {
    this.#terminal = new headless.Terminal({ cols, rows, allowProposedApi: true });
    // Without an encoding the data are bytes, whatever the types say.
    this.#pty = spawn(file, [...args], { cols, rows, env: { ...env, TERM: 'xterm' }, encoding: null, name: 'xterm' });
    this.#pty.onData((data) => {
      const bytes = Buffer.from(data);
      this.#output.push(bytes);
      this.#terminal.write(bytes, () => {
        this.#changed.resolve();
        this.#changed = Promise.withResolvers();
      });
    });
    // A program that asks where the cursor is (busybox's shell and vi) gets no answer and does without: it would reach
    // the program together with what a test types next, of which busybox then drops the first letters.
    this.exit = new Promise((resolve) => {
      this.#pty.onExit(({ exitCode, signal = 0 }) => resolve(signal === 0 ? exitCode : 128 + signal));
    });
  }

  /** The screen's lines without the blanks at their ends, and without the empty lines below the last one. */
  get text(): string {
    const { active } = this.#terminal.buffer;
    const lines = Array.from({ length: this.#terminal.rows }, (_, row) => {
      return active.getLine(active.viewportY + row)?.translateToString(true) ?? '';
    });
    return lines.join('\n').replace(/\n+$/, '');
  }

  /** All bytes since the start or the last `clear`. */
  get output(): Buffer {
    return Buffer.concat(this.#output);
  }

  type(keys: string | Buffer): void {
    this.#pty.write(keys as string); // it takes bytes as well
  }

  resize(cols: number, rows: number): void {
    this.#terminal.resize(cols, rows);
    this.#pty.resize(cols, rows);
  }

  /** An empty screen: what is seen from now on is new. */
  clear(): void {
    this.#terminal.reset();
    this.#output = [];
  }

  /** Resolves, with the text, when the screen looks like this. */
  async until(looks: RegExp | ((text: string) => boolean)): Promise<string> {
    const late = Promise.withResolvers<'late'>();
    const timer = setTimeout(() => late.resolve('late'), limitMs);
    try {
      for (;;) {
        const { text } = this;
        if (typeof looks === 'function' ? looks(text) : looks.test(text)) return text;
        if ((await Promise.race([this.#changed.promise, late.promise])) === 'late') {
          throw new Error(
            `no ${looks.toString()} on the screen:\n${this.text}\n${JSON.stringify(this.output.toString())}`,
          );
        }
      }
    } finally {
      clearTimeout(timer);
    }
  }

  [Symbol.dispose](): void {
    this.#pty.kill('SIGKILL');
    this.#terminal.dispose();
  }
}
