import { Command } from 'commander';
import { calledName } from './called-name.ts';
import type { Cli } from './cli.ts';
import { commandTable, type CommandEntry } from './command-table.ts';
import { ownVersion } from './own-version.ts';

/** The program's own options; they stand before the command. */
export interface ProgramOptions {
  readonly host?: string;
}

/**
 * The command tree. A command is named and described here and gets the rest from its file when it is called; with
 * `everything`, now: for the documentation and completion.
 *
 * @param called the first argument: where it names a command, the others are left out, which take longer than it does
 */
export async function buildProgram(
  cli: Cli,
  { everything = false, called = '' }: { readonly everything?: boolean; readonly called?: string | undefined } = {},
): Promise<Command> {
  const program = new Command(calledName());
  const wholeTree = (): Promise<Command> => buildProgram(cli, { everything: true });
  program
    .description('Runs container images, each pod in a virtual machine of its own')
    .option(
      '-H, --host <host>',
      'the daemon to ask: unix:///path/of/hyper.sock (default: $HYPER_HOST, yours, the system’s)',
    )
    .version(ownVersion, '-v, --version', 'print the version of the client')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'Print the help of a command')
    .usage('[options] <command> [arguments]')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => cli.print(text.trimEnd()),
      writeErr: () => undefined, // main.ts says it, in one line
    })
    .exitOverride();
  const entries = new Map<Command, CommandEntry>();
  const wanted = commandTable.filter(({ name, aliases = [] }) => [name, ...aliases].includes(called));
  for (const entry of wanted.length > 0 ? wanted : commandTable) {
    const command = program
      .command(entry.name)
      .aliases(entry.aliases ?? [])
      .description(entry.summary);
    command.helpOption('-h, --help', 'print this help');
    entries.set(command, entry);
    if (everything) (await entry.load()).define(command, cli, wholeTree);
  }
  program.hook('preSubcommand', async (_, command) => {
    const entry = entries.get(command);
    if (entry === undefined || everything) return;
    (await entry.load()).define(command, cli, wholeTree);
    defaultNegated(command);
  });
  return program;
}

/** An option that is there as `--no-foo` alone is true by default. Commander does this before a command has its options from us. */
function defaultNegated(command: Command): void {
  const flags = new Set(command.options.map(({ long }) => long));
  for (const option of command.options) {
    const { long, negate } = option;
    if (!negate || long === undefined || flags.has(long.replace(/^--no-/, '--'))) continue;
    if (option.defaultValue !== undefined) continue;
    command.setOptionValueWithSource(option.attributeName(), true, 'default');
  }
}
