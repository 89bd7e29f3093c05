import type { DiskSlot } from '../../vm/index.ts';

/** The slots that a container's disks are in, as the agent is told of them: by serial. */
export const containerDisks = { root: 'image', scratch: 'scratch' } as const satisfies Readonly<
  Record<string, DiskSlot>
>;

/** The number of a pod's first container in its guest. */
export const firstContainer = 1;
