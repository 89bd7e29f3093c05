import { HyperError } from '../lib/errors.ts';
import { isAboveHard, ulimitNames } from '../lib/ulimit-names.ts';

export interface Ulimit {
  readonly name: string;
  /** -1: unlimited. */
  readonly soft: number;
  readonly hard: number;
}

/** Refuses names that do not exist and soft limits above their hard ones. */
export function checkUlimits(ulimits: readonly Ulimit[]): Ulimit[] {
  for (const { name, soft, hard } of ulimits) {
    if (!ulimitNames.some((known) => known === name)) {
      throw new HyperError('bad_request', `no such ulimit: ${name}: use one of ${ulimitNames.join(', ')}`);
    }
    if (isAboveHard({ soft, hard })) {
      throw new HyperError('bad_request', `ulimit ${name}: the soft limit ${soft} is above the hard limit ${hard}`);
    }
  }
  return [...ulimits];
}

const unlimited = 2n ** 64n - 1n;

/** A limit as the agent takes it. */
export function agentRlimit({ name, soft, hard }: Ulimit): { name: string; soft: bigint; hard: bigint } {
  const value = (limit: number): bigint => (limit === -1 ? unlimited : BigInt(limit));
  return { name, soft: value(soft), hard: value(hard) };
}
