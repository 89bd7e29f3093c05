import { z } from 'zod';

/** Something that has changed, as it is stored and told. */
export const EventRecord = z.object({
  type: z.enum(['pod', 'container', 'image', 'network', 'volume']),
  action: z.string(),
  /** Of what has changed; a volume's is its name. */
  id: z.string(),
  name: z.string(),
  /** Of a container: its pod. */
  podId: z.string().nullable(),
  attributes: z.record(z.string(), z.string()),
});
export type EventRecord = z.infer<typeof EventRecord>;

/** One that is stored: they have numbers that grow, with gaps. */
export interface StoredEvent extends EventRecord {
  readonly sequence: number;
  /** Milliseconds since 1970. */
  readonly time: number;
}
