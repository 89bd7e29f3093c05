import { HyperError } from '../lib/errors.ts';

/** The command line is wrong: exit code 2, whatever the command. */
export class UsageError extends HyperError {
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super('bad_request', message, options);
    this.name = 'UsageError';
  }
}
