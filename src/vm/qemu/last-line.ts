import { open } from 'node:fs/promises';

/** The last line of what a process has printed to a file; empty where there is none. */
export async function readLastLine(path: string): Promise<string> {
  try {
    await using file = await open(path, 'r');
    return (await file.readFile('utf8')).trim().split('\n').at(-1) ?? '';
  } catch {
    return '';
  }
}
