import { HyperError } from '../../lib/errors.ts';

/** ISO 8601, or seconds since 1970 with a fraction, as milliseconds since 1970. @throws HyperError `bad_request` */
export function parseTime(field: string, text: string): number {
  const milliseconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (Number.isFinite(milliseconds)) return milliseconds;
  throw new HyperError('bad_request', `${field}: ${text} is no time: use ISO 8601 or seconds since 1970`);
}
