import { HyperClient } from '../../src/client/index.ts';
import type { Cli } from '../../src/cli/cli.ts';
import { reportFailure } from '../../src/cli/failure-report.ts';
import { buildProgram } from '../../src/cli/program.ts';
import type { FakeHyperd } from './fake-hyperd.ts';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in this process, for what needs no terminal, pipe or signal: a process takes a hundred times as long. */
export async function hyperInProcess(fake: FakeHyperd, ...args: readonly string[]): Promise<Outcome> {
  const out: string[] = [];
  const err: string[] = [];
  const cli: Cli = {
    env: {},
    exitCode: 0,
    connect: () => Promise.resolve(new HyperClient(fake.socket)),
    print: (line) => void out.push(`${line}\n`),
    note: (line) => void err.push(`${line}\n`),
  };
  const program = await buildProgram(cli);
  let command: string | undefined;
  program.hook('preSubcommand', (_, called) => {
    command = called.name();
  });
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    const { exitCode, line } = reportFailure(error, command);
    if (line !== null) err.push(`${line}\n`);
    cli.exitCode = exitCode;
  }
  return { code: cli.exitCode, stdout: out.join(''), stderr: err.join('') };
}
