import { type Command, Option } from 'commander';
import { UsageError } from './usage-error.ts';

/** An option that others' commands have, and that cannot mean anything here: it is refused by name, with the reason. */
export function refuseOption(command: Command, flags: string, reason: string): Command {
  const option = new Option(flags, reason).hideHelp();
  const refuse = (): never => {
    throw new UsageError(`${option.long ?? flags}: ${reason}`);
  };
  return command.addOption(option.argParser(refuse));
}
