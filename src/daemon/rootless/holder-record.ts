import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { systemCode } from '../../lib/errors.ts';
import { writeFileAtomic } from '../../lib/write-file-atomic.ts';

const Process = z.object({ pid: z.number().int().positive(), startTime: z.string() });

export const Outside = z.object({
  tool: z.enum(['pasta', 'slirp4netns']),
  subnet: z.string(),
  hostLoopback: z.string(),
  dns: z.string(),
  /** Our own in it. */
  address: z.string().default(''),
  /** Where slirp4netns is asked for ports of the host; null: nobody can be. */
  apiSocket: z.string().nullable().default(null),
});
/** How hyperd's own namespace is joined to the world outside: the tool, the small network between, who answers there. */
export type Outside = Readonly<z.infer<typeof Outside>>;

const HolderRecord = z.object({
  holder: Process,
  /** `user:[4026532200]`: what /proc/PID/ns/user links to. */
  userNamespace: z.string(),
  outside: z.object({ process: Process, ...Outside.shape }).nullable(),
});
/** What a later hyperd must know of the namespaces that an earlier one made: `holder.json` in the run folder. */
export type HolderRecord = Readonly<z.infer<typeof HolderRecord>>;

const fileIn = (runDir: string) => join(runDir, 'holder.json');

/** Null when there is none that can be read: then a holder is made anew. */
export async function readHolderRecord(runDir: string): Promise<HolderRecord | null> {
  try {
    return HolderRecord.parse(JSON.parse(await readFile(fileIn(runDir), 'utf8')));
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || error instanceof SyntaxError || error instanceof z.ZodError) return null;
    throw error;
  }
}

export async function writeHolderRecord(runDir: string, record: HolderRecord): Promise<void> {
  await writeFileAtomic(fileIn(runDir), `${JSON.stringify(record)}\n`);
}
