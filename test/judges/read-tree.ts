import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';

const entrySchema = z.readonly(
  z.object({
    /** Below the folder, one character a byte; the folder itself is `.`. */
    path: z.string(),
    /** `S_IFMT` bits. */
    type: z.number(),
    mode: z.number(),
    uid: z.number(),
    gid: z.number(),
    /** Nanoseconds. */
    mtime: z.string(),
    /** 0 for folders: file systems differ. */
    size: z.number(),
    nlink: z.number(),
    inode: z.string(),
    rdev: z.string(),
    link: z.string(),
    hash: z.string(),
    /** Values in hex. */
    xattrs: z.record(z.string(), z.string()),
  }),
);

/** What the host says about one path. */
export type TreeEntry = z.infer<typeof entrySchema>;

export type Tree = ReadonlyMap<string, TreeEntry>;

const script = fileURLToPath(new URL('read-tree.py', import.meta.url));

/**
 * Reads every path below a folder, with Python: Node reads no xattrs, and it is a judge that shares nothing with what it judges.
 * Fails when a path cannot be read.
 */
export async function readTree(folder: string): Promise<Tree> {
  const { stdout } = await promisify(execFile)('python3', [script, folder], { maxBuffer: 1 << 30 });
  const lines = stdout.split('\n').filter((line) => line !== '');
  const entries = lines.map((line) => entrySchema.parse(JSON.parse(line)));
  return new Map(entries.map((entry) => [entry.path, entry]));
}
