import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface CommandEnd {
  /** From the spawn to the end of the process and of its output. */
  readonly milliseconds: number;
  /** null: a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: readonly Buffer[];
  readonly stderr: readonly Buffer[];
}

/** Runs a program to its end, its output into pipes. */
export async function timeCommand({ file, args, env }: Command): Promise<CommandEnd> {
  const began = performance.now();
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  await once(child, 'close');
  return { milliseconds: performance.now() - began, exitCode: child.exitCode, stdout, stderr };
}
