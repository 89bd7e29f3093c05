import { UsageError } from '../usage-error.ts';

/** `--cpus`: a number of CPUs, fractions too, of those that the VM has. */
export function parseCpus(text: string): number {
  const cpus = /^\d*\.?\d+$/.test(text) ? Number(text) : NaN;
  if (!(cpus >= 0.01)) throw new UsageError(`--cpus is '${text}': give a number of 0.01 or more, as 1.5`);
  return cpus;
}

/** `--pids-limit`, by docker's rules: -1 or 0 is no limit. */
export function parsePidsLimit(text: string): number {
  const limit = /^-?\d+$/.test(text) ? Number(text) : NaN;
  if (!(limit >= -1) || !Number.isSafeInteger(limit)) {
    throw new UsageError(`--pids-limit is '${text}': give a whole number of 1 or more, or -1 for no limit`);
  }
  return limit;
}

/** The values of `--sysctl`: `NAME=VALUE`; the last of a name wins. */
export function parseSysctls(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const [, name, value] = /^((?:fs|kernel|net|vm)\.[A-Za-z0-9_./-]+)=(.*)$/s.exec(text) ?? [];
      if (name === undefined || value === undefined) {
        throw new UsageError(
          `--sysctl is '${text}': give NAME=VALUE, the name beginning with fs., kernel., net. or vm.`,
        );
      }
      return [name, value];
    }),
  );
}
