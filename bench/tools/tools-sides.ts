import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { bareMachine } from '../bare/bare-machine.ts';
import type { Room } from '../room.ts';
import { startBareToolsGuest } from './bare-tools-guest.ts';
import type { ToolsGuest, ToolsGuestWish } from './tools-guest.ts';
import { startToolsPod } from './tools-pod.ts';

/** Guests of one side, as many as are measured with. */
export type SideGuests = readonly [ToolsGuest, ...ToolsGuest[]];

export interface BothSides {
  readonly ours: SideGuests;
  readonly peer: SideGuests;
}

export interface ToolsSidesOptions {
  readonly count?: number;
  /** What each guest has. */
  readonly wish?: (room: Room) => Promise<ToolsGuestWish>;
  /** What is done in the guests of each side before anything is measured. */
  readonly ready: (guests: SideGuests) => Promise<unknown>;
}

/** The same tools in pods of Hyper's and in bare guests: started for the first measure that asks, for all of them. */
export class ToolsSides {
  readonly #options: ToolsSidesOptions;
  readonly #started = new WeakMap<Room, Promise<BothSides>>();

  constructor(options: ToolsSidesOptions) {
    this.#options = options;
  }

  in(room: Room): Promise<BothSides> {
    const known = this.#started.get(room);
    if (known !== undefined) return known;
    const starting = this.#start(room);
    this.#started.set(room, starting);
    return starting;
  }

  async #start(room: Room): Promise<BothSides> {
    const wish = (await this.#options.wish?.(room)) ?? {};
    const ours = await this.#startAll(room, await podsOf(room, wish));
    const peer = await this.#startAll(room, await bareGuestsOf(room, wish));
    for (const side of [ours, peer]) await this.#options.ready(side);
    return { ours, peer };
  }

  async #startAll(room: Room, start: () => Promise<ToolsGuest>): Promise<SideGuests> {
    const { count = 1 } = this.#options;
    const first = room.use(await start());
    const others: ToolsGuest[] = [];
    while (others.length + 1 < count) others.push(room.use(await start()));
    return [first, ...others];
  }
}

async function podsOf(room: Room, wish: ToolsGuestWish): Promise<() => Promise<ToolsGuest>> {
  const [hyperd, tools] = [await room.hyperd('pool'), await room.tools()];
  await hyperd.hyper('pull', tools.image);
  await hyperd.settled();
  return () => startToolsPod(hyperd, tools, wish);
}

async function bareGuestsOf(room: Room, wish: ToolsGuestWish): Promise<() => Promise<ToolsGuest>> {
  const { hypervisor } = await (await room.hyperd('pool')).client.info();
  const options = {
    ...{ tools: await room.tools(), network: await room.bareNetwork(), signal: room.signal },
    machine: await bareMachine(hypervisor.accelerator),
    folder: join(room.folder, 'bare-guests'),
  };
  await mkdir(options.folder, { recursive: true });
  return () => startBareToolsGuest(options, wish);
}
