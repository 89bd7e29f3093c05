import type { DiskSlot } from '../../vm/index.ts';

/** The slots that a container's disks are in, as the agent is told of them: by serial. */
export const containerDisks = { root: 'image', scratch: 'scratch' } as const satisfies Readonly<
  Record<string, DiskSlot>
>;
