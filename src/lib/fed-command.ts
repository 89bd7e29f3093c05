import { randomBytes } from 'node:crypto';
import { commandFailure, missingCommand } from './run-command.ts';
import { StayingProcess } from './staying-process.ts';

/** Of what a command complains of: a few thousand lines. */
const mostBytes = 256 << 10;
/** sh says so where it does not find a command. */
const notFound = 127;

/** A command that reads its input and prints nothing, run by a shell that stays. Runs take turns. */
export class FedCommand {
  readonly #file: string;
  readonly #shell: StayingProcess;
  /** Ends its input. */
  readonly #mark = `end-${randomBytes(12).toString('hex')}`;

  constructor(file: string, args: readonly string[]) {
    this.#file = file;
    this.#shell = new StayingProcess({
      file: '/bin/sh',
      args: ['-s', '--', file, ...args],
      env: () => ({ ...process.env, LC_ALL: 'C' }),
      name: `the shell that runs ${file}`,
    });
  }

  /** @throws HyperError as runCommand does; `cancelled` only before it has begun, for then its end is near */
  async run(input: string, signal?: AbortSignal): Promise<void> {
    const command = `said=$("$@" <<'${this.#mark}' 2>&1 >/dev/null\n${input}\n${this.#mark}\n)\n`;
    const answer = await this.#shell.ask(`${command}printf '%s %.${mostBytes}s\\0' $? "$said"\n`, signal);
    const [code = '', ...said] = answer.split(' ');
    if (Number(code) === notFound) throw missingCommand(this.#file);
    if (Number(code) !== 0) throw commandFailure(this.#file, Number(code), said.join(' '));
  }
}
