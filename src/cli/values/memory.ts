import type { Bounds } from '../../contract/bounds.ts';
import { UsageError } from '../usage-error.ts';

const bytesOf: Readonly<Record<string, number>> = { b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** A number and its unit in bytes; undefined where it is no such thing. */
function parseSize(text: string, plainUnit: 'b' | 'm'): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(?:([bkmgt])(?:i?b)?)?$/i.exec(text.trim());
  const bytes = bytesOf[(match?.[2] ?? plainUnit).toLowerCase()];
  return match === null || bytes === undefined ? undefined : Number(match[1]) * bytes;
}

/**
 * `512` (MiB), `512m`, `2g`, `1.5GiB` as whole MiB, rounded up.
 *
 * @param flag named in the error: `--memory`.
 */
export function parseMebibytes(text: string, flag: string, { least, most }: Bounds): number {
  const bytes = parseSize(text, 'm');
  if (bytes === undefined || !(bytes > 0)) {
    throw new UsageError(`${flag} is '${text}': give a number of MB, or one with a unit, as 512m or 2g`);
  }
  const mebibytes = Math.ceil(bytes / 2 ** 20);
  if (mebibytes < least) throw new UsageError(`${flag} is '${text}': give at least ${least}m`);
  if (mebibytes > most) throw new UsageError(`${flag} is '${text}': give at most ${most}m`);
  return mebibytes;
}

/** `65536` (bytes), `64k`, `10m`, `1.5g` as whole bytes. */
export function parseBytes(
  text: string,
  flag: string,
  { least, most, example }: Bounds & { readonly example: string },
): number {
  const bytes = Math.ceil(parseSize(text, 'b') ?? NaN);
  if (!(bytes >= least)) {
    throw new UsageError(`${flag} is '${text}': give ${least} bytes or more, or a number with a unit, as ${example}`);
  }
  if (bytes > most) throw new UsageError(`${flag} is '${text}': give at most ${most} bytes`);
  return bytes;
}
