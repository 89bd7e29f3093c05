import { UsageError } from '../usage-error.ts';

const secondsOf: Readonly<Record<string, number>> = {
  h: 3600,
  m: 60,
  s: 1,
  ms: 1e-3,
  us: 1e-6,
  µs: 1e-6,
  ns: 1e-9,
};

/** A Go duration (`10m`, `1h30m`, `1.5s`) in seconds, or undefined. */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  let seconds = 0;
  for (const part of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)) {
    seconds += Number(part[1]) * (secondsOf[part[2] ?? 's'] ?? 0);
  }
  return seconds;
}

/**
 * What `--since` takes, as the API takes it: seconds since 1970 as they are; a date of RFC 3339 (local time where it names no
 * zone) and a duration before `now` (in ms) as ISO 8601.
 */
export function parseMoment(text: string, flag: string, now: number): string {
  if (/^\d+(\.\d+)?$/.test(text)) return text;
  const ago = parseDuration(text);
  if (ago !== undefined) return new Date(now - ago * 1000).toISOString();
  // A date alone would be read as UTC: docker reads it as local midnight.
  const time = Date.parse(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00` : text);
  if (!/^\d{4}-\d\d-\d\d/.test(text) || Number.isNaN(time)) {
    throw new UsageError(
      `${flag} is '${text}': give a time as 2026-01-31T12:00:00Z, seconds since 1970, or a duration as 10m`,
    );
  }
  // Nanoseconds are kept where the zone is given: Date knows only milliseconds.
  return /[zZ]$|[+-]\d\d:\d\d$/.test(text) ? text : new Date(time).toISOString();
}
