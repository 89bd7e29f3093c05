import { runFed } from '../lib/fed-command.ts';

/** Applies a text of nft commands as one transaction: all of it or nothing. */
export async function applyRules(rules: string, signal?: AbortSignal): Promise<void> {
  await runFed('nft', ['-f', '-'], rules, signal);
}
