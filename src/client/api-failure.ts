import { HyperError, errorCodes, type ErrorCode } from '../lib/errors.ts';

/**
 * What hyperd answered instead of a result, or why it could not be asked. `code` is one of docs/api.md's table;
 * a code that this client does not know yet reads as `internal`.
 */
export class ApiFailure extends HyperError {
  /** The HTTP status; null when there was no answer. */
  readonly status: number | null;

  constructor(code: string, message: string, options?: { readonly status?: number; readonly cause?: unknown }) {
    super(isErrorCode(code) ? code : 'internal', message, { cause: options?.cause });
    this.name = 'ApiFailure';
    this.status = options?.status ?? null;
  }
}

function isErrorCode(code: string): code is ErrorCode {
  return errorCodes.some((known) => known === code);
}

/** The first Hyper's words, and Docker's: people search for them. */
export const noDaemonMessage = "Cannot connect to the Hyper daemon. Is 'hyperd' running on this host?";
