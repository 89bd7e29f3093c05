import type { Bounds, TextForm } from '../../contract/bounds.ts';
import type { PodSpec } from '../../contract/index.ts';
import { UsageError } from '../usage-error.ts';

type ContainerSpec = PodSpec['containers'][number];
type Ulimit = NonNullable<ContainerSpec['ulimits']>[number];
type Tmpfs = NonNullable<ContainerSpec['tmpfs']>[number];

/** `NAME=SOFT[:HARD]`, -1 or `unlimited` for none. */
export function parseUlimit(text: string): Ulimit {
  const match = /^([a-z]+)=(-?\d+|unlimited)(?::(-?\d+|unlimited))?$/.exec(text);
  const number = (digits: string | undefined): number => (digits === 'unlimited' ? -1 : Number(digits));
  if (match === null) {
    throw new UsageError(`--ulimit is '${text}': give NAME=SOFT[:HARD], as nofile=1024:2048`);
  }
  const [, name = '', softText] = match;
  const soft = number(softText);
  const hard = match[3] === undefined ? soft : number(match[3]);
  if (soft < -1 || hard < -1)
    throw new UsageError(`--ulimit is '${text}': -1 is the only negative number, for unlimited`);
  if (hard !== -1 && (soft > hard || soft === -1)) {
    throw new UsageError(`--ulimit is '${text}': the soft limit must not be above the hard limit`);
  }
  return { name, soft, hard };
}

/** `PATH[:OPTIONS]`. */
export function parseTmpfs(text: string): Tmpfs {
  const colon = text.indexOf(':');
  const path = colon === -1 ? text : text.slice(0, colon);
  if (!path.startsWith('/')) throw new UsageError(`--tmpfs is '${text}': its path must be absolute, as /tmp:size=64m`);
  return { path, options: colon === -1 ? '' : text.slice(colon + 1) };
}

/** `K=V`, or `K` for an empty value. */
export function parseLabels(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const [key = ''] = text.split('=', 1);
      if (key === '') throw new UsageError(`--label is '${text}': give NAME=VALUE`);
      return [key, text.slice(key.length + 1)];
    }),
  );
}

/** A whole number in a range, for flags as `--cpu`. */
export function parseWhole(text: string, flag: string, least = 0, most: number = Number.MAX_SAFE_INTEGER): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < least || number > most) {
    const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`;
    throw new UsageError(`${flag} is '${text}': give a whole number of ${range}`);
  }
  return number;
}

/** The same by bounds of the API. */
export const parseBounded = (text: string, flag: string, { least, most }: Bounds): number =>
  parseWhole(text, flag, least, most);

/** A flag's value that must look as the API wants it. */
export function parseForm(text: string, flag: string, { pattern, words }: TextForm): string {
  if (!pattern.test(text)) throw new UsageError(`${flag} is '${text}': it must be ${words}`);
  return text;
}

/** A flag's value that must be one of a few. */
export function parseChoice<T extends string>(text: string, flag: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw new UsageError(`${flag} is '${text}': give one of ${choices.join(', ')}`);
  return found;
}
