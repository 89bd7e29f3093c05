/** The process that run-timed.ts starts: it runs what it is sent, and answers how that went. */
import { messageOf } from '../src/lib/errors.ts';
import { type Command, type CommandEnd, timeCommand } from './time-command.ts';

export interface RunnerRequest {
  readonly id: number;
  readonly command: Command;
}

export type RunnerAnswer = { readonly id: number } & ({ readonly end: CommandEnd } | { readonly error: string });

process.on('message', (request: RunnerRequest) => void answer(request));
process.on('disconnect', () => process.exit());
process.on('SIGINT', () => undefined); // the bench ends us

async function answer({ id, command }: RunnerRequest): Promise<void> {
  const answered: RunnerAnswer = await timeCommand(command).then(
    (end) => ({ id, end }),
    (error: unknown) => ({ id, error: messageOf(error) }),
  );
  process.send?.(answered);
}
