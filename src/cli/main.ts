import { processCli } from './cli-process.ts';
import { reportFailure } from './failure-report.ts';
import { commandTable } from './command-table.ts';
import { buildProgram, type ProgramOptions } from './program.ts';
import { openedStreams, stderr } from './standard-streams.ts';

/** Runs one command line and ends the process with its exit code, once stdout and stderr are written. */
async function main(args: readonly string[]): Promise<void> {
  let command: string | undefined;
  const leaveWith = (error: unknown): void => {
    const { exitCode, line } = reportFailure(error, command);
    if (line !== null) stderr().write(`${line}\n`);
    exit(exitCode);
  };
  process.on('uncaughtException', leaveWith);
  const cli = processCli(() => program.opts<ProgramOptions>().host);
  const program = await buildProgram(cli, { called: args[0] });
  program.hook('preSubcommand', (_, called) => {
    command = called.name();
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    exit(cli.exitCode);
  } catch (error) {
    leaveWith(error);
  }
}

/** Our own exit: stdin may still be open, and must not hold us. */
function exit(exitCode: number): void {
  const written = openedStreams().map(
    (stream) =>
      new Promise<void>((resolve) => {
        if (!stream.writable || stream.writableLength === 0) {
          resolve();
          return;
        }
        stream.on('error', () => resolve()); // the reader has gone
        stream.write('', () => resolve());
      }),
  );
  void Promise.all(written).then(() => process.exit(exitCode));
}

/** No arguments: the help. `help run` is `run --help`: commander's own does not load the command first. */
function withHelp(args: readonly string[]): readonly string[] {
  const [first, second] = args;
  if (first === undefined || (first === 'help' && second === undefined)) return ['--help'];
  if (first !== 'help' || second === undefined) return args;
  const isCommand = commandTable.some(({ name, aliases = [] }) => [name, ...aliases].includes(second));
  return isCommand ? [second, '--help'] : [second]; // which is refused
}

void main(withHelp(process.argv.slice(2)));
