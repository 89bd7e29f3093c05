import { CommanderError } from 'commander';
import { HyperError, messageOf } from '../lib/errors.ts';
import { UsageError } from './usage-error.ts';

/** The exit code of a wrong command line. */
export const usageExitCode = 2;

export interface FailureReport {
  readonly exitCode: number;
  /** One line for stderr; null where all has been said. */
  readonly line: string | null;
}

/** What to print and exit with for anything thrown. @param command the command's name, for the hint where to read on. */
export function reportFailure(error: unknown, command: string | undefined): FailureReport {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return { exitCode: 0, line: null };
    if (error.code === 'commander.help')
      return { exitCode: usageExitCode, line: "hyper: no command: see 'hyper --help'" };
    return { exitCode: usageExitCode, line: `hyper: ${usageLine(error.message, command)}` };
  }
  const exitCode = error instanceof UsageError ? usageExitCode : exitCodeIn(error);
  return { exitCode, line: `hyper: ${oneLine(messageOf(error))}${adviceFor(error)}` };
}

/** Answers are not checked against their schemas, for that costs each start: one of another shape shows here. */
function adviceFor(error: unknown): string {
  if (!(error instanceof TypeError)) return '';
  return ": hyperd answers as another build than this client does: see 'hyper version', and start hyperd anew (its pods go on after SIGHUP)";
}

/** Commander's words as ours: `error: unknown option '--nmae'\n(Did you mean --name?)`. */
function usageLine(message: string, command: string | undefined): string {
  const text = message.replace(/^error: /, '');
  const [problem = '', suggestion] = text.split('\n(Did you mean ');
  const help = command === undefined ? "see 'hyper --help'" : `see 'hyper ${command} --help'`;
  const advice = suggestion === undefined ? help : `did you mean ${suggestion.replace(/\?\)$/, '?')}`;
  return oneLine(`${problem}: ${advice}`);
}

const oneLine = (text: string): string => text.trim().replaceAll(/\s*\n\s*/g, ' ');

const exitCodes = new WeakMap<Error, number>();

/** Marks an error with the exit code that it must have: 125 and its like (run-failure.ts). */
export function withExitCode(error: unknown, exitCode: number): Error {
  const marked = error instanceof Error ? error : new HyperError('internal', messageOf(error));
  if (!(marked instanceof UsageError)) exitCodes.set(marked, exitCode);
  return marked;
}

function exitCodeIn(error: unknown): number {
  return (error instanceof Error ? exitCodes.get(error) : undefined) ?? 1;
}
