import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { betterOf, type Comparison, type Sample, type Sides } from '../measure.ts';
import { bareMachine } from '../bare/bare-machine.ts';
import type { Room } from '../room.ts';
import { startBareToolsGuest } from './bare-tools-guest.ts';
import type { ToolsGuest, ToolsGuestWish } from './tools-guest.ts';
import { startToolsPod } from './tools-pod.ts';

/** Guests of one side, as many as are measured with. */
export type SideGuests = readonly [ToolsGuest, ...ToolsGuest[]];

export interface ToolsMeasure extends Omit<Comparison, 'prepare' | 'peer' | 'reach'> {
  readonly guests?: number;
  /** What each guest has. */
  readonly wish?: (room: Room) => Promise<ToolsGuestWish>;
  /** Before the first sample. */
  readonly ready?: (guests: SideGuests) => Promise<unknown>;
  readonly take: (guests: SideGuests) => Promise<Sample>;
}

/** Of a rate at least this much of QEMU's own is kept, and a time is at most as much longer. */
const kept = 0.9;

/** The same tools in pods of Hyper's and in bare guests, on the same devices. */
export function besideBare({ guests = 1, wish, ready, take, ...facts }: ToolsMeasure): Comparison {
  const limit = betterOf(facts.unit) === 'less' ? Number((1 / kept).toFixed(2)) : kept;
  return {
    ...facts,
    peer: 'bare QEMU, same kernel and devices',
    reach: limit,
    async prepare(room) {
      await using started = new AsyncDisposableStack();
      const wished = (await wish?.(room)) ?? {};
      const ours = await startAll(started, guests, await podsOf(room, wished));
      const peer = await startAll(started, guests, await bareGuestsOf(room, wished));
      for (const side of [ours, peer]) await ready?.(side);
      const hyperd = await room.hyperd('pool');
      const parts = started.move();
      return {
        settle: () => hyperd.settled(),
        ours: () => take(ours),
        peer: () => take(peer),
        [Symbol.asyncDispose]: () => parts.disposeAsync(),
      } satisfies Sides;
    },
  };
}

type Start = () => Promise<ToolsGuest>;

async function startAll(started: AsyncDisposableStack, count: number, start: Start): Promise<SideGuests> {
  const first = started.use(await start());
  const others: ToolsGuest[] = [];
  while (others.length + 1 < count) others.push(started.use(await start()));
  return [first, ...others];
}

async function podsOf(room: Room, wish: ToolsGuestWish): Promise<Start> {
  const [hyperd, tools] = [await room.hyperd('pool'), await room.tools()];
  await hyperd.hyper('pull', tools.image);
  await hyperd.settled();
  return () => startToolsPod(hyperd, tools, wish);
}

async function bareGuestsOf(room: Room, wish: ToolsGuestWish): Promise<Start> {
  const { hypervisor } = await (await room.hyperd('pool')).client.info();
  const options = {
    ...{ tools: await room.tools(), network: await room.bareNetwork(), signal: room.signal },
    machine: await bareMachine(hypervisor.accelerator),
    folder: join(room.folder, 'bare-guests'),
  };
  await mkdir(options.folder, { recursive: true });
  return () => startBareToolsGuest(options, wish);
}
