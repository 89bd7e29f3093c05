import { damaged } from './damaged.ts';

/** A number of a tar header: octal text, or base-256 when the first bit is set (GNU). Empty is 0. */
export function parseTarNumber(field: Buffer, what: string): number {
  const first = field[0] ?? 0;
  if (first & 0x80) return parseBase256(field, what);
  const text = field
    .toString('latin1')
    .replace(/^[ \0]+/, '')
    .replace(/[ \0].*$/s, '');
  if (text === '') return 0;
  if (!/^[0-7]+$/.test(text)) throw damaged(`bad number ${JSON.stringify(text)} for ${what}`);
  return safe(Number.parseInt(text, 8), what);
}

function parseBase256(field: Buffer, what: string): number {
  // Two's complement over the whole field, the marking bit not counted.
  const negative = ((field[0] ?? 0) & 0x40) !== 0;
  let value = 0n;
  for (const [at, byte] of field.entries()) {
    const bits = at === 0 ? byte & 0x7f : byte;
    value = (value << 8n) | BigInt(negative ? (at === 0 ? ~bits & 0x7f : ~bits & 0xff) : bits);
  }
  return safe(Number(negative ? -value - 1n : value), what);
}

/** A decimal number of a PAX record or a sparse map. */
export function parseDecimal(text: string, what: string): number {
  if (!/^[0-9]{1,19}$/.test(text)) throw damaged(`bad number ${JSON.stringify(text.slice(0, 40))} for ${what}`);
  return safe(Number(text), what);
}

/** A PAX time, `-1.5` or `1350244992.023960108`: whole seconds, rounded down, and nanoseconds, cut. */
export function parsePaxTime(text: string): { seconds: number; nanoseconds: number } {
  const match = /^(-?)([0-9]{1,19})(?:\.([0-9]*))?$/.exec(text);
  if (match === null) throw damaged(`bad time ${JSON.stringify(text.slice(0, 40))}`);
  const [, sign, whole, fraction = ''] = match;
  const seconds = safe(Number(whole), 'a time');
  const nanoseconds = Number(fraction.slice(0, 9).padEnd(9, '0'));
  if (sign !== '-') return { seconds, nanoseconds };
  if (nanoseconds === 0) return { seconds: seconds === 0 ? 0 : -seconds, nanoseconds };
  return { seconds: -seconds - 1, nanoseconds: 1_000_000_000 - nanoseconds };
}

function safe(value: number, what: string): number {
  if (!Number.isSafeInteger(value)) throw damaged(`number too large for ${what}`);
  return value;
}
