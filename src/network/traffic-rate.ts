import { runCommand } from '../lib/run-command.ts';
import { applyRules } from './nft.ts';

/** Bits a second; undefined: not limited. */
export interface TrafficRate {
  /** To the guest. */
  readonly in?: number | undefined;
  /** From the guest. */
  readonly out?: number | undefined;
}

/** What may pass at once: two packets of the largest size (they are cut later), or a hundredth of a second. */
const burstBytes = (bits: number): number => Math.max(2 * 65_535, Math.ceil(bits / 8 / 100));

/** Makes what goes to a guest wait its turn at its tap, with which it goes. */
export async function shapeTraffic(tap: string, { in: bits }: TrafficRate): Promise<void> {
  if (bits === undefined) return;
  const line = `qdisc replace dev ${tap} root tbf rate ${bits}bit burst ${burstBytes(bits)} latency 100ms`;
  await runCommand('tc', ['-batch', '-'], { input: `${line}\n` });
}

/** The chain of a guest whose sending is bounded. */
export const rateChainOf = (tap: string): string => `rate_${tap}`;

/**
 * Drops what a guest sends beyond its rate, as a slow line does. By nft and not tc's policing: a kernel may lack its
 * classifiers.
 */
export function addRate(table: string, tap: string, { out: bits }: TrafficRate): string {
  if (bits === undefined) return '';
  const chain = `bridge ${table} ${rateChainOf(tap)}`;
  const bytes = Math.ceil(bits / 8);
  // nftables lets a second's worth pass at once, and the burst beside it.
  const burst = Math.max(0, burstBytes(bits) - bytes);
  const limit = `limit rate over ${bytes} bytes/second${burst === 0 ? '' : ` burst ${burst} bytes`} drop`;
  return [
    `add chain ${chain}`,
    `flush chain ${chain}`,
    `add rule ${chain} ${limit}`,
    `add element bridge ${table} rates { "${tap}" : jump ${rateChainOf(tap)} }`,
  ]
    .map((line) => `${line}\n`)
    .join('');
}

/** Takes it away; it must be there. */
export function deleteRate(table: string, tap: string, { out: bits }: TrafficRate): string {
  if (bits === undefined) return '';
  const chain = `bridge ${table} ${rateChainOf(tap)}`;
  return `delete element bridge ${table} rates { "${tap}" : jump ${rateChainOf(tap)} }\nflush chain ${chain}\ndelete chain ${chain}\n`;
}

/** Bounds a guest that is there anew: what passes meanwhile is bounded as before, or as it is to be. */
export async function limitTraffic(
  table: string,
  { tap, rate: before }: { readonly tap: string; readonly rate: TrafficRate },
  after: TrafficRate,
): Promise<void> {
  // Its rule is added first, so that one that is not there is fine.
  const rules = addRate(table, tap, before) + deleteRate(table, tap, before) + addRate(table, tap, after);
  if (rules !== '') await applyRules(rules);
  try {
    await shapeTraffic(tap, after);
  } catch (error) {
    const back = addRate(table, tap, after) + deleteRate(table, tap, after) + addRate(table, tap, before);
    if (back !== '') await applyRules(back).catch(() => undefined); // the first failure is told
    throw error;
  }
  if (after.in !== undefined || before.in === undefined) return;
  await runCommand('tc', ['-batch', '-'], { input: `qdisc del dev ${tap} root\n` });
}
