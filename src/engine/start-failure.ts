import { AgentRefusal } from '../guest/index.ts';
import { asHyperError, HyperError } from '../lib/errors.ts';

const codes = { 1: 'command_not_found', 2: 'command_not_executable' } as const;

/** Why a process could not be started, as its user should see it. */
export function startFailure(error: unknown): HyperError {
  if (!(error instanceof AgentRefusal)) return asHyperError(error);
  const code = error.failure === 1 || error.failure === 2 ? codes[error.failure] : 'cannot_start';
  return new HyperError(code, error.message, { cause: error });
}

/** The exit code of what could not be started, as docker's: 127 not found, 126 not executable, 125 anything else. */
export function startFailureExitCode({ code }: HyperError): number {
  if (code === 'command_not_found') return 127;
  return code === 'command_not_executable' ? 126 : 125;
}
