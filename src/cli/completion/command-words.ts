import type { Command } from 'commander';

/** What a command's arguments name, for which the daemon is asked. */
export type ArgumentKind = 'pod' | 'image' | 'none';

export interface CommandWords {
  readonly names: readonly string[];
  readonly summary: string;
  readonly flags: readonly string[];
  /** The flags that take a value: what follows them is no argument. */
  readonly valueFlags: readonly string[];
  readonly argument: ArgumentKind;
  /** The words that its first argument can be. */
  readonly choices: readonly string[];
}

const choicesOf: Readonly<Record<string, readonly string[]>> = {
  list: ['pod', 'container', 'vm'],
  completion: ['bash', 'zsh'],
};

/** The words of the whole command tree: what the completion scripts are made of. */
export function describeTree(program: Command): CommandWords[] {
  return program.commands.map((command) => {
    const flags = command.options.filter((option) => !option.hidden);
    const first = command.registeredArguments[0]?.name();
    const spelled = (options: typeof flags): string[] =>
      options.flatMap((option) => [option.short, option.long].filter((flag) => flag !== undefined));
    return {
      names: [command.name(), ...command.aliases()],
      summary: command.description(),
      flags: [...spelled(flags), '-h', '--help'],
      valueFlags: spelled(flags.filter((option) => option.required)),
      argument: first === 'pod' || first === 'image' ? first : first === 'name' ? 'pod' : 'none',
      choices: choicesOf[command.name()] ?? command.commands.map((each) => each.name()),
    };
  });
}

/** What prints the names of a kind, one a line; it must not start a daemon because a key was pressed. */
export const listCommands: Readonly<Record<Exclude<ArgumentKind, 'none'>, string>> = {
  pod: `HYPER_AUTOSTART=0 hyper list --format '{{.Name}}' 2>/dev/null`,
  image: `HYPER_AUTOSTART=0 hyper images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null`,
};
