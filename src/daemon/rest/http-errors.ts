import { asHyperError, type ErrorCode, type HyperError } from '../../lib/errors.ts';

/** The HTTP status of each error code (docs/api.md, Errors). */
export const httpStatus: Readonly<Record<ErrorCode, number>> = {
  bad_request: 400,
  not_found: 404,
  image_not_found: 404,
  ambiguous: 400,
  conflict: 409,
  unauthorized: 401,
  unsupported: 400,
  unavailable: 503,
  corrupt: 502,
  no_space: 507,
  no_memory: 507,
  missing_dependency: 500,
  vm_failed: 500,
  command_not_found: 400,
  command_not_executable: 400,
  cannot_start: 400,
  init_failed: 500,
  timeout: 504,
  cancelled: 499,
  internal: 500,
};

/** The status and body of an error. */
export function httpError(error: unknown): {
  readonly status: number;
  readonly body: { code: string; message: string };
} {
  const { code, message }: HyperError = asHyperError(error);
  return { status: httpStatus[code], body: { code, message } };
}
