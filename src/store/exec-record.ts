import { z } from 'zod';

/** One more process in a pod that runs, as its user asked for it. */
export const ExecRecord = z.object({
  id: z.string(),
  podId: z.string(),
  /** Null: in the guest itself. */
  containerId: z.string().nullable(),
  spec: z.object({
    args: z.array(z.string()).readonly(),
    env: z.array(z.string()).readonly().optional(),
    workdir: z.string().optional(),
    user: z.string().optional(),
    tty: z.boolean().optional(),
    stdin: z.boolean().optional(),
    vm: z.boolean().optional(),
    terminalSize: z.object({ rows: z.number(), cols: z.number() }).optional(),
  }),
  /** As its guest numbers it; 0: it was not started. */
  process: z.number(),
  state: z.enum(['created', 'running', 'exited']),
  exitCode: z.number().nullable(),
  /** Why there is no true exit code. */
  error: z.string().nullable(),
});
export type ExecRecord = z.infer<typeof ExecRecord>;
