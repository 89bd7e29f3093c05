import { stat } from 'node:fs/promises';

/** Whether a file is there for us; one that cannot be reached is not. */
export async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
