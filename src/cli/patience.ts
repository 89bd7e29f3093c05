import type { Command } from 'commander';
import { parseWhole } from './values/container-values.ts';

/** How long what is stopped may take, as commander gives it. */
export interface Patience {
  readonly timeout?: number;
  /** The same by docker's former name. */
  readonly time?: number;
}

export function addPatience(command: Command): Command {
  return command
    .option('-t, --timeout <seconds>', 'how long the process may take before it is killed (default: 10)', (text) =>
      parseWhole(text, '--timeout'),
    )
    .option('--time <seconds>', 'the same', (text) => parseWhole(text, '--time'));
}

export const patienceOf = ({ timeout, time }: Patience): { readonly timeoutSeconds: number | undefined } => ({
  timeoutSeconds: timeout ?? time,
});
