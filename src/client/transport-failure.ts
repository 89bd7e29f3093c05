import { messageOf, systemCode } from '../lib/errors.ts';
import { tryParseJson } from '../lib/try-parse-json.ts';
import { ApiFailure, noDaemonMessage } from './api-failure.ts';

/** The ApiFailure that an answer's body describes. */
export function failureIn(status: number, text: string): ApiFailure {
  const body = tryParseJson(text); // no JSON: whoever answered is no hyperd
  if (typeof body === 'object' && body !== null && 'code' in body && 'message' in body) {
    return new ApiFailure(String(body.code), String(body.message), { status });
  }
  return new ApiFailure('internal', `hyperd answered ${status}: ${text.slice(0, 200)}`, { status });
}

/** A transport error in words that say what to do. */
export function asFailure(error: unknown): ApiFailure {
  if (error instanceof ApiFailure) return error;
  switch (systemCode(error)) {
    case 'ENOENT':
    case 'ECONNREFUSED':
    case 'ENOTSOCK':
      return new ApiFailure('unavailable', noDaemonMessage, { cause: error });
    case 'EACCES':
    case 'EPERM':
      return new ApiFailure(
        'unavailable',
        'permission denied on the Hyper daemon’s socket: use your own daemon, or ask for access to this one',
        { cause: error },
      );
    case 'ABORT_ERR':
      return new ApiFailure('cancelled', 'cancelled', { cause: error });
    case 'ECONNRESET':
    case 'EPIPE':
      return new ApiFailure('unavailable', "lost the connection to the Hyper daemon: see 'hyper info'", {
        cause: error,
      });
    default:
      return new ApiFailure('internal', messageOf(error), { cause: error });
  }
}
