import { randomBytes } from 'node:crypto';
import { HyperError } from '../lib/errors.ts';

/** @throws HyperError `bad_request`, in docker's words */
export function volumeName(text: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(text) && text.length <= 255) return text;
  throw new HyperError(
    'bad_request',
    `create ${text}: "${text}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
  );
}

/** As docker's. */
export const newVolumeName = (): string => randomBytes(32).toString('hex');
