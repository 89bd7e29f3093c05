/**
 * The stable codes of everything that can go wrong, in one table. Front doors map them to HTTP and exit codes;
 * users and programs may rely on them.
 */
export const errorCodes = [
  'bad_request', // the caller's input is wrong; says which and what is allowed
  'not_found', // no such pod, container, image, …
  'image_not_found', // a pod is asked for whose image is not here: pull it
  'ambiguous', // an id prefix that fits several
  'conflict', // the name is taken, or the state does not allow it
  'unauthorized', // a registry wants a login, or refused it
  'unsupported', // valid, but not something this build or machine can do
  'unavailable', // a registry, daemon or helper does not answer
  'corrupt', // bytes that do not match their digest or format
  'no_space', // a disk is full
  'no_memory', // the host cannot give the VM its memory
  'missing_dependency', // QEMU, a kernel, a tool is not there
  'vm_failed', // a guest that panicked, hung or went away
  'command_not_found', // exit code 127
  'command_not_executable', // exit code 126
  'cannot_start', // the process could not be started for another reason: exit code 125
  'init_failed', // a pod whose containers were not started, for an init container of it has failed: exit code 125
  'timeout',
  'cancelled',
  'internal', // a defect of ours
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/**
 * The one error class. `message` is for people: what went wrong, then what to do, in one line.
 *
 * @example throw new HyperError('not_found', `no such image: ${name}: pull it with 'hyper pull ${name}'`);
 */
export class HyperError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'HyperError';
    this.code = code;
  }
}

/** The system's error code (`ENOENT`) of anything thrown by Node, or undefined. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** What a person should read of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** @param root of which folder's disk is full, where that is known */
export function fullDisk(cause: unknown, root?: string): HyperError {
  const which = root === undefined ? '' : ` of ${root}`;
  const message = `no space left on the disk${which}: free some ('hyper system df' shows what uses it) and try again`;
  return new HyperError('no_space', message, { cause });
}

/** Anything thrown as a HyperError: full disks and cancellations keep their meaning, the rest is `internal`. */
export function asHyperError(error: unknown): HyperError {
  if (error instanceof HyperError) return error;
  const code = systemCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return fullDisk(error);
  }
  if (code === 'ABORT_ERR') return new HyperError('cancelled', 'cancelled', { cause: error });
  return new HyperError('internal', messageOf(error), { cause: error });
}
