import { UsageError } from '../usage-error.ts';

const bytesOf: Readonly<Record<string, number>> = { b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/**
 * `512` (MiB), `512m`, `2g`, `1.5GiB` as whole MiB, rounded up.
 *
 * @param flag named in the error: `--memory`.
 */
export function parseMebibytes(text: string, flag: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(?:([bkmgt])(?:i?b)?)?$/i.exec(text.trim());
  const amount = Number(match?.[1]);
  const bytes = bytesOf[(match?.[2] ?? 'm').toLowerCase()];
  if (match === null || bytes === undefined || !(amount > 0)) {
    throw new UsageError(`${flag} is '${text}': give a number of MB, or one with a unit, as 512m or 2g`);
  }
  return Math.ceil((amount * bytes) / 2 ** 20);
}
