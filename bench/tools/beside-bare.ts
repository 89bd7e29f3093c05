import { betterOf, type Comparison, type Sample } from '../measure.ts';
import type { SideGuests, ToolsSides } from './tools-sides.ts';

export interface ToolsMeasure extends Omit<Comparison, 'prepare' | 'peer' | 'reach'> {
  readonly sides: ToolsSides;
  readonly take: (guests: SideGuests) => Promise<Sample>;
}

/** Of a rate at least this much of QEMU's own is kept, and a time is at most as much longer. */
const kept = 0.9;

/** What the tools say in pods of Hyper's and in guests without it, on the same devices. */
export function besideBare({ sides, take, ...facts }: ToolsMeasure): Comparison {
  return {
    ...facts,
    peer: 'bare QEMU, same kernel and devices',
    reach: betterOf(facts.unit) === 'less' ? Number((1 / kept).toFixed(2)) : kept,
    async prepare(room) {
      const { ours, peer } = await sides.in(room);
      const hyperd = await room.hyperd('pool');
      return {
        settle: () => hyperd.settled(),
        ours: () => take(ours),
        peer: () => take(peer),
        [Symbol.asyncDispose]: () => Promise.resolve(), // the room ends the guests
      };
    },
  };
}
