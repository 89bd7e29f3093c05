import { HyperError } from '../lib/errors.ts';

/**
 * Does what hyperd refuses where it is so already, which is no failure, as docker's start and stop have it.
 *
 * @param isSo asked where it was refused
 */
export async function unlessAlreadySo<T>(act: Promise<T>, isSo: () => Promise<boolean>): Promise<T | undefined> {
  try {
    return await act;
  } catch (error) {
    if (!(error instanceof HyperError) || error.code !== 'conflict' || !(await isSo())) throw error;
    return undefined;
  }
}

export const isRunning = ({ state }: { readonly state: string }): boolean => state === 'running';
export const hasEnded = ({ state }: { readonly state: string }): boolean =>
  state === 'succeeded' || state === 'failed' || state === 'pending';
