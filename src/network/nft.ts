import { FedCommand } from '../lib/fed-command.ts';

const nft = new FedCommand('nft', ['-f', '-']);

/** Applies a text of nft commands as one transaction: all of it or nothing. */
export async function applyRules(rules: string, signal?: AbortSignal): Promise<void> {
  await nft.run(rules, signal);
}
