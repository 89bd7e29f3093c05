import { constants } from 'node:os';
import { HyperError } from './errors.ts';

const numbers: Readonly<Record<string, number>> = constants.signals;

/** Whether it names a signal, or is a number of one. */
export const isSignal = (text: string): boolean => numberOf(text) !== undefined;

/** The number of `KILL`, `SIGTERM`, `sigint` or `15`. Linux's numbers: the guest's and ours are the same. */
export function signalNumber(text: string): number {
  const number = numberOf(text);
  if (number !== undefined) return number;
  throw new HyperError(
    'bad_request',
    `unknown signal ${text}: use a name as TERM or SIGTERM, or a number from 1 to 64`,
  );
}

function numberOf(text: string): number | undefined {
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    if (number >= 1 && number <= 64) return number;
  } else {
    const name = text.toUpperCase();
    const number = numbers[name.startsWith('SIG') ? name : `SIG${name}`];
    if (number !== undefined) return number;
    const realTime = /^(?:SIG)?RTMIN\+(\d{1,2})$/.exec(name)?.[1];
    if (realTime !== undefined && Number(realTime) <= 30) return 34 + Number(realTime);
  }
  return undefined;
}
