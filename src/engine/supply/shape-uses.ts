/** What a guest has. */
export interface GuestSize {
  readonly vcpus: number;
  readonly memoryMiB: number;
}

/** A shape that pods ask for. */
export interface PodShape extends GuestSize {
  /** For pods with folders of the host: who serves them maps the VM's memory. */
  readonly sharedMemory: boolean;
}

/** How many of the latest starts count. */
const remembered = 32;

/** Which shapes are used: what the pool holds follows the latest starts. */
export class ShapeUses {
  #latest: PodShape[] = [];

  note({ vcpus, memoryMiB, sharedMemory }: PodShape): void {
    this.#latest = [...this.#latest.slice(1 - remembered), { vcpus, memoryMiB, sharedMemory }];
  }

  /** How many VMs of each shape `size` of them should be: by their shares of the latest starts, largest remainder first. */
  shares(size: number): { readonly shape: PodShape; readonly count: number }[] {
    const uses = new Map<string, { readonly shape: PodShape; count: number }>();
    for (const shape of this.#latest) {
      const key = shapeKey(shape);
      const known = uses.get(key);
      if (known === undefined) uses.set(key, { shape, count: 1 });
      else known.count++;
    }
    const exact = [...uses.values()].map(({ shape, count }) => ({
      shape,
      share: (size * count) / this.#latest.length,
    }));
    const floors = exact.map(({ shape, share }) => ({ shape, count: Math.floor(share), rest: share % 1 }));
    let left = size - floors.reduce((sum, { count }) => sum + count, 0);
    return floors
      .sort((a, b) => b.rest - a.rest)
      .map(({ shape, count }) => ({ shape, count: count + (exact.length > 0 && left-- > 0 ? 1 : 0) }))
      .filter(({ count }) => count > 0);
  }
}

export const shapeKey = ({ vcpus, memoryMiB, sharedMemory }: PodShape): string =>
  `${vcpus}:${memoryMiB}${sharedMemory ? ':shared' : ''}`;
