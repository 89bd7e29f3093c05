import type { BenchHyperd, HyperdKind } from '../bench-hyperd.ts';
import type { Comparison } from '../measure.ts';
import type { Room } from '../room.ts';

type Sides = Extract<Awaited<ReturnType<Comparison['prepare']>>, { readonly ours: unknown }>;

/** What is measured of a hyperd of this kind and of Docker, both with busybox; each settles before it is asked. */
export function besideDocker(
  hyperdKind: HyperdKind,
  facts: Omit<Comparison, 'unit' | 'prepare'>,
  ours: (hyperd: BenchHyperd) => ReturnType<Sides['ours']>,
  peer: (room: Room, image: string) => ReturnType<Sides['peer']>,
): Comparison {
  return {
    ...facts,
    unit: 'ms',
    async prepare(room) {
      const hyperd = await room.hyperd(hyperdKind);
      const image = await room.dockerBusybox();
      return {
        settle: () => hyperd.settled(),
        ours: () => ours(hyperd),
        peer: () => peer(room, image),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
    },
  };
}
