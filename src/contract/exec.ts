import { z } from 'zod';

/** The size of a terminal. */
export const ExecResize = z.strictObject({ rows: z.number().int().min(1), cols: z.number().int().min(1) });
export type ExecResize = z.infer<typeof ExecResize>;

export const ExecSpec = z.strictObject({
  args: z.array(z.string()).min(1),
  env: z.array(z.string().regex(/^[^=]+=/, { error: 'must be NAME=VALUE' })).optional(),
  workdir: z.string().optional(),
  user: z.string().optional(),
  tty: z.boolean().optional(),
  stdin: z.boolean().optional(),
  vm: z.boolean().optional().describe('in the guest itself, outside every container'),
  terminalSize: ExecResize.optional(),
});
export type ExecSpec = z.infer<typeof ExecSpec>;

export const Exec = z.object({
  id: z.string(),
  podId: z.string(),
  containerId: z.string().nullable().describe('null: in the guest itself'),
  args: z.array(z.string()),
  state: z.enum(['created', 'running', 'exited']),
  exitCode: z.number().int().nullable(),
  error: z.string().nullable().describe('why it could not be started, or how its VM ended'),
});
export type Exec = z.infer<typeof Exec>;
