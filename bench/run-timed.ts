import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Timed {
  /** From the spawn to the end of the process and of its output. */
  readonly milliseconds: number;
  readonly stdout: readonly Buffer[];
  readonly stderr: readonly Buffer[];
}

const text = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString('utf8').trim();
export const stdoutText = ({ stdout }: Timed): string => text(stdout);
export const stderrText = ({ stderr }: Timed): string => text(stderr);

/** Runs a program to its end, its output into pipes. Fails when it does. */
export async function runTimed(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Timed> {
  const began = performance.now();
  const child = spawn(file, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  await once(child, 'close');
  const milliseconds = performance.now() - began;
  if (child.exitCode !== 0) throw new Error(`${file} ${args.join(' ')}: exit ${child.exitCode}: ${text(stderr)}`);
  return { milliseconds, stdout, stderr };
}
