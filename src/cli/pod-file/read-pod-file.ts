import { readFile } from 'node:fs/promises';
import type { HyperClient } from '../../client/index.ts';
import type { PodSpec } from '../../contract/index.ts';
import { HyperError, messageOf } from '../../lib/errors.ts';
import { UsageError } from '../usage-error.ts';
import type { ChosenFile } from './pod-file-options.ts';

/** What is in a file, or on stdin for `-`; before a daemon is asked. */
export async function readText(path: string): Promise<string> {
  try {
    return path === '-' ? await readStdin() : await readFile(path, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot read the pod file ${path}: ${messageOf(error)}`, { cause: error });
  }
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** hyperd reads the file: what that takes is not on the CLI's start path. @throws HyperError that names the file */
export async function translateFile(client: HyperClient, { path, format }: ChosenFile, text: string): Promise<PodSpec> {
  try {
    const { spec } = await client.podFileRead({ text, ...(format === undefined ? {} : { format }) });
    return spec;
  } catch (error) {
    if (!(error instanceof HyperError) || (error.code !== 'bad_request' && error.code !== 'unsupported')) throw error;
    throw new HyperError(error.code, `${path === '-' ? 'stdin' : path}: ${error.message}`, { cause: error });
  }
}
