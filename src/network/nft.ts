import { runCommand } from '../lib/run-command.ts';

/** Applies a text of nft commands as one transaction: all of it or nothing. */
export async function applyRules(rules: string, signal?: AbortSignal): Promise<void> {
  await runCommand('nft', ['-f', '-'], { input: rules, ...(signal === undefined ? {} : { signal }) });
}
