import { readFileSync } from 'node:fs';
import { messageOf } from '../../lib/errors.ts';
import { UsageError } from '../usage-error.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** `K=V` as it is; `K` alone with its value here, or nothing where it has none (docker's rule). */
function resolveVariable(text: string, env: Env): string[] {
  if (text.includes('=')) return [text];
  const value = env[text];
  return value === undefined ? [] : [`${text}=${value}`];
}

/** The values of `--env`. */
export function parseVariable(text: string, env: Env): string[] {
  if (text === '' || text.startsWith('=')) {
    throw new UsageError(`--env is '${text}': give NAME=VALUE, or NAME to pass on your own`);
  }
  return resolveVariable(text, env);
}

/**
 * The lines of an `--env-file`, by docker's rules: blank lines and lines that begin with # are skipped, blanks before the name
 * are dropped, everything after the = is the value as it stands, quotes and all.
 */
export function parseEnvFile(content: string, env: Env, file: string): string[] {
  const lines = content.replace(/^\uFEFF/, '').split(/\r?\n/);
  return lines.flatMap((raw, index) => {
    const line = raw.trimStart();
    if (line === '' || line.startsWith('#')) return [];
    const [name = ''] = line.split('=', 1);
    const where = `line ${index + 1} of ${file}`;
    if (name === '') throw new UsageError(`${where} has no name before its =`);
    if (/\s/.test(name.includes('=') || line.includes('=') ? name : name.trimEnd())) {
      throw new UsageError(`${where}: the name '${name}' has a blank in it`);
    }
    return resolveVariable(line.includes('=') ? line : line.trimEnd(), env);
  });
}

/** All variables of a command line: files first, then flags; the last of a name wins. */
export function collectVariables(flags: readonly string[], files: readonly string[], env: Env): string[] {
  const all = [
    ...files.flatMap((file) => parseEnvFile(readEnvFile(file), env, file)),
    ...flags.flatMap((flag) => parseVariable(flag, env)),
  ];
  return [...new Map(all.map((variable) => [variable.split('=', 1)[0], variable])).values()];
}

function readEnvFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot read --env-file ${file}: ${messageOf(error)}`, { cause: error });
  }
}
