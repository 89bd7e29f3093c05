import { HyperError } from '../lib/errors.ts';
import { withExitCode } from './failure-report.ts';

/** Docker's exit codes for a process that could not be started: 126, 127, and 125 for everything before it. */
export function runFailure(error: unknown): Error {
  const code = error instanceof HyperError ? error.code : 'internal';
  return withExitCode(error, code === 'command_not_found' ? 127 : code === 'command_not_executable' ? 126 : 125);
}
