import { rm, stat } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { Hypervisor, PreparedTemplate, VmShape } from '../../vm/index.ts';
import type { Standby } from './ready-vm.ts';

/** How many there are at most, and what of the host's memory they may have together: one there always may be. */
const most = 4;
const memoryShare = 1 / 20;
/** One that was used so lately makes no room for another. */
const keptMs = 60_000;

/** What clones start from that stand by with an image at once. */
export interface Prepared {
  readonly template: PreparedTemplate;
  /** What is in its slots; of the scratch disk each clone has a copy. */
  readonly standby: Standby & { readonly imagePath: string };
}

interface Kept extends Prepared {
  readonly shape: VmShape;
  /** Which file its image's disk was: another one at that path has other bytes. */
  readonly imageFile: string;
  usedAtMs: number;
}

export interface PreparedTemplatesOptions {
  readonly hypervisor: Pick<Hypervisor, 'isOfUse'>;
  /** Copies a disk that waits for a VM, and gives such a copy to a VM. */
  readonly disks: {
    readonly copyWaiting: (from: string, to: string) => Promise<void>;
    readonly giveWaiting: (from: string, to: string) => Promise<boolean>;
    readonly copyToVm: (from: string, to: string) => Promise<void>;
  };
  /** Resolves when nothing is being started, rejects when no more is to be done. */
  readonly quiet: (signal: AbortSignal) => Promise<void>;
  readonly log: Log;
}

/** The prepared templates that there are, each with a copy of its scratch disk for the next clone. */
export class PreparedTemplates {
  readonly #options: PreparedTemplatesOptions;
  /** In the order of their use. */
  readonly #kept = new Map<string, Kept>();
  /** Of each template the disk that is being made for the next clone. */
  readonly #copying = new Map<PreparedTemplate, Promise<void>>();
  readonly #closed = new AbortController();

  constructor(options: PreparedTemplatesOptions) {
    this.#options = options;
  }

  get status(): { readonly count: number; readonly bytes: number } {
    const bytes = [...this.#kept.values()].reduce((sum, { template }) => sum + template.bytes, 0);
    return { count: this.#kept.size, bytes };
  }

  /** One that is of no use any more is let go. */
  async find(shape: VmShape, imagePath: string): Promise<Prepared | undefined> {
    const key = keyOf(shape, imagePath);
    const kept = this.#kept.get(key);
    if (kept === undefined || !(await this.#check(key, kept))) return undefined;
    kept.usedAtMs = performance.now();
    if (this.#kept.delete(key)) this.#kept.set(key, kept); // the latest now
    return kept;
  }

  /** Whether there would be room: where there are as many as may be, the one that was used longest ago has to be unused. */
  hasRoom(): boolean {
    const [oldest] = this.#kept.values();
    if (oldest === undefined) return true;
    const { count, bytes } = this.status;
    const isFull = count >= most || bytes + bytes / count > totalmem() * memoryShare;
    return !isFull || performance.now() - oldest.usedAtMs > keptMs;
  }

  /**
   * In place of what there was of this shape and image; those that were used longest ago make room.
   *
   * @param imageFile what `identify` said of the image's disk before it was put into its slot
   */
  async add(shape: VmShape, prepared: Prepared, imageFile: string): Promise<void> {
    const key = keyOf(shape, prepared.standby.imagePath);
    const before = this.#kept.get(key);
    this.#kept.delete(key);
    this.#kept.set(key, { ...prepared, shape, imageFile, usedAtMs: performance.now() });
    this.#makeSpare(prepared);
    if (before !== undefined) await this.#dispose(before);
    for (const [oldest, kept] of this.#kept) {
      const { count, bytes } = this.status;
      if (count === 1 || (count <= most && bytes <= totalmem() * memoryShare)) return;
      await this.#letGo(oldest, kept);
    }
  }

  /** Makes a copy of its scratch disk: the one that waits, else another. */
  async copyDisk(prepared: Prepared, path: string): Promise<void> {
    const { disks } = this.#options;
    if (!(await disks.giveWaiting(spareOf(prepared), path))) await disks.copyToVm(prepared.standby.scratch.path, path);
    this.#makeSpare(prepared);
  }

  /** It is of no use: no clone starts from it. */
  async remove(prepared: Prepared): Promise<void> {
    for (const [key, kept] of this.#kept) if (kept.template === prepared.template) await this.#letGo(key, kept);
  }

  /** Lets go of those whose image or shape's template has gone, or is another by now. */
  async prune(): Promise<void> {
    for (const [key, kept] of this.#kept) {
      await this.#check(key, kept).catch((error: unknown) => {
        this.#options.log.debug({ error: messageOf(error) }, 'a prepared template could not be looked at');
      });
    }
  }

  async clear(): Promise<void> {
    await Promise.all([...this.#kept].map(([key, kept]) => this.#letGo(key, kept)));
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.clear();
    await Promise.all(this.#copying.values());
  }

  async #check(key: string, kept: Kept): Promise<boolean> {
    const isSame = (await identify(kept.standby.imagePath)) === kept.imageFile;
    if (isSame && (await this.#options.hypervisor.isOfUse(kept.template, kept.shape))) return true;
    await this.#letGo(key, kept);
    return false;
  }

  /** In the background: without it the next clone's copy takes a moment longer. */
  #makeSpare(prepared: Prepared): void {
    const { disks, quiet, log } = this.#options;
    const spare = spareOf(prepared);
    if (this.#copying.has(prepared.template)) return;
    const copying = quiet(this.#closed.signal)
      .then(() => disks.copyWaiting(prepared.standby.scratch.path, spare))
      .catch((error: unknown) => {
        if (!this.#closed.signal.aborted) log.debug({ spare, error: messageOf(error) }, 'no disk waits for a clone');
      })
      .then(async () => {
        const isKept = [...this.#kept.values()].some(({ template }) => template === prepared.template);
        if (!isKept) await rm(spare, { force: true });
      })
      .catch((error: unknown) => log.warn({ spare, error: messageOf(error) }, 'a disk of no use is left'))
      .finally(() => this.#copying.delete(prepared.template));
    this.#copying.set(prepared.template, copying);
  }

  async #letGo(key: string, kept: Kept): Promise<void> {
    if (this.#kept.get(key) !== kept) return; // somebody else has
    this.#kept.delete(key);
    await this.#dispose(kept);
  }

  async #dispose(kept: Kept): Promise<void> {
    try {
      await kept.template[Symbol.asyncDispose]();
      for (const path of [kept.standby.scratch.path, spareOf(kept)]) await rm(path, { force: true });
    } catch (error) {
      this.#options.log.error({ error: messageOf(error) }, 'files of a prepared template are left until hyperd starts');
    }
  }
}

/** Another one wherever a file has been written or replaced; empty where there is none. */
export async function identify(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(':');
  } catch {
    return '';
  }
}

const spareOf = ({ standby }: Prepared): string => `${standby.scratch.path}.spare`;

const keyOf = ({ vcpus, memoryMiB, nic }: VmShape, imagePath: string): string =>
  `${vcpus}:${memoryMiB}:${nic ? 'nic' : ''}:${imagePath}`;
