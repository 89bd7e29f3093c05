import { z } from 'zod';

/** Query strings carry text: `1`, `true` and the bare name are yes. */
export const flag = z
  .enum(['1', 'true', '', '0', 'false'])
  .transform((text) => text === '1' || text === 'true' || text === '')
  .optional();

export const empty = z.object({});
export const podParam = z.object({ pod: z.string().min(1) });
