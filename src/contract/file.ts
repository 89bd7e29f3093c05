import { z } from 'zod';

/** What a path in a container is; `X-Docker-Container-Path-Stat` of an archive holds the same, in base64. */
export const PathStat = z.object({
  name: z.string(),
  size: z.number().int(),
  mode: z
    .number()
    .int()
    .describe("as Go's os.FileMode: permissions, and 0x80000000 for a folder, 0x8000000 for a symlink"),
  mtime: z.string(),
  linkTarget: z.string(),
});
export type PathStat = z.infer<typeof PathStat>;

/** The header of an archive that says what is in it. */
export const pathStatHeader = 'X-Docker-Container-Path-Stat';

/** What is not as in a container's image. */
export const Change = z.object({ kind: z.enum(['added', 'changed', 'deleted']), path: z.string() });
export type Change = z.infer<typeof Change>;
