import { HyperError, messageOf } from '../lib/errors.ts';
import type { Cli } from './cli.ts';

interface Outcome {
  readonly line?: string | undefined;
  readonly problem?: string;
}

/**
 * Does the same for each name given, all at once; prints in their order what each gave. One that fails does not stop the others: it
 * is reported, and the exit code is 1.
 */
export async function forEachTarget(
  targets: readonly string[],
  cli: Cli,
  act: (target: string) => Promise<string | undefined>,
): Promise<void> {
  const outcomes = targets.map(async (target): Promise<Outcome> => {
    try {
      return { line: await act(target) };
    } catch (error) {
      // Without a daemon each would say the same.
      if (targets.length === 1 || (error instanceof HyperError && error.code === 'unavailable')) throw error;
      return { problem: messageOf(error) };
    }
  });
  for (const outcome of outcomes) {
    const { line, problem }: Outcome = await outcome;
    if (line !== undefined) cli.print(line);
    if (problem === undefined) continue;
    cli.note(`hyper: ${problem}`);
    cli.exitCode = 1;
  }
}
