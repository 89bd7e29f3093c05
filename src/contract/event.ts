import { z } from 'zod';

export const eventTypes = ['pod', 'container', 'image', 'network', 'volume'] as const;

/** Something that has changed. It is in hyperd's database before it is told. */
export const Event = z.object({
  sequence: z.number().int().describe('of all events, growing'),
  time: z.string().describe('ISO 8601'),
  type: z.enum(eventTypes),
  action: z
    .string()
    .describe(
      'create, start, die, oom, health_status, ready, unready, exec_create, exec_start, exec_die, pause, unpause, rename, update, connect, disconnect or destroy; of an image pull, load, import, untag or delete',
    ),
  id: z.string().describe('of what has changed; a volume’s is its name'),
  name: z.string(),
  podId: z.string().nullable().describe('of a container: its pod'),
  attributes: z
    .record(z.string(), z.string())
    .describe('exitCode, reason, restarting, health, image, network, of a container podName, …'),
});
export type Event = z.infer<typeof Event>;
