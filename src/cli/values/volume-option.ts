import { homedir } from 'node:os';
import { resolve } from 'node:path';
import type { PodSpec } from '../../contract/index.ts';
import { UsageError } from '../usage-error.ts';

export type Mount = NonNullable<PodSpec['containers'][number]['mounts']>[number];

/** What docker's -v takes besides, and what has no meaning where the host's kernel mounts nothing. */
const harmless = [
  ...['z', 'Z', 'consistent', 'cached', 'delegated'],
  ...['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'],
];

/** `[SOURCE:]TARGET[:OPTIONS]` of -v. */
export function parseVolume(text: string): Mount {
  const parts = text.split(':');
  if (parts.length > 3 || parts.includes('')) {
    throw new UsageError(
      `-v is '${text}': give [SOURCE:]PATH[:OPTIONS], as ./src:/src:ro or data:/data; for paths with a colon --mount`,
    );
  }
  const [source, target = '', options = ''] = parts.length === 1 ? [undefined, ...parts] : parts;
  checkTarget('-v', text, target);
  const { readOnly, noCopy } = parseWords(text, options);
  if (source !== undefined && /^(?:[/~]|\.{1,2}(?:\/|$))/.test(source)) {
    if (noCopy) throw new UsageError(`-v is '${text}': invalid mode: nocopy: it is for volumes`);
    return { type: 'bind', source: hostPath(source), target, readOnly, create: true };
  }
  return { type: 'volume', ...(source === undefined ? {} : { source }), target, readOnly, noCopy };
}

function parseWords(text: string, options: string): { readonly readOnly: boolean; readonly noCopy: boolean } {
  const words = options.split(',').filter((word) => word !== '');
  for (const word of words) {
    if (['ro', 'rw', 'nocopy', ...harmless].includes(word)) continue;
    throw new UsageError(`-v is '${text}': invalid mode: ${word}: give ro, rw or nocopy`);
  }
  if (words.includes('ro') && words.includes('rw')) throw new UsageError(`-v is '${text}': give one of ro and rw`);
  return { readOnly: words.includes('ro'), noCopy: words.includes('nocopy') };
}

/** The path as the daemon knows it, who is in another folder. */
export function hostPath(path: string): string {
  const home = path === '~' || path.startsWith('~/');
  return resolve(home ? homedir() + path.slice(1) : path);
}

export function checkTarget(flag: string, text: string, target: string): void {
  if (target.startsWith('/')) return;
  throw new UsageError(`${flag} is '${text}': invalid mount path: '${target}' mount path must be absolute`);
}
