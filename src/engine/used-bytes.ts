import { runCommand } from '../lib/run-command.ts';

/** What a folder or file has on disk: du(1) counts hard links once, and holes not at all. */
export async function usedBytes(path: string): Promise<number> {
  const { stdout } = await runCommand('du', ['-s', '--block-size=1', '--', path], { timeoutMs: 300_000 });
  return Number(stdout.split('\t', 1)[0]);
}
