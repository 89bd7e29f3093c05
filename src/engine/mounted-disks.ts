import type { FileHandle } from 'node:fs/promises';
import type { DiskMount, FileSystemMount } from '../guest/index.ts';
import { HyperError } from '../lib/errors.ts';
import type { MountRecord, PodRecord } from '../store/index.ts';
import type { PluggedDisk, Plugs } from '../vm/index.ts';
import { diskIdentity, type HeldDisk, openDiskFile, type Volumes } from '../volume/index.ts';

/** On a disk of ours the guest has `lost+found` beside it. */
const folderOnDisk = 'data';

type MountOf<Type extends MountRecord['type']> = Extract<MountRecord, { readonly type: Type }>;

/** The disks of a pod's mounts, each plugged into its VM once. */
export class MountedDisks {
  readonly #pod: Pick<PodRecord, 'id' | 'name'>;
  readonly #holders: Volumes['holders'];
  readonly #files: FileHandle[] = [];
  /** By what names each on this host. */
  readonly #disks = new Map<string, PluggedDisk>();
  readonly #readOnlyFiles: ReadonlySet<string>;
  #needsModules = false;

  constructor(record: PodRecord, holders: Volumes['holders']) {
    this.#pod = { id: record.id, name: record.name };
    this.#holders = holders;
    this.#readOnlyFiles = readOnlyFiles(record);
  }

  get plugs(): Pick<Plugs, 'disks' | 'modules'> {
    return { disks: [...this.#disks.values()], modules: this.#needsModules };
  }

  /** A volume that is a disk of ours. */
  async addVolume(mount: MountOf<'volume'>, signal: AbortSignal): Promise<FileSystemMount> {
    const { volume, source: path, target, readOnly, noCopy } = mount;
    await this.#holders.hold(volumeHeld(volume), this.#pod, signal);
    const { serial } = this.#plug(path, { path, format: 'raw', readOnly: false });
    return { type: 'ext4', name: serial, source: folderOnDisk, path: target, readOnly, seed: !noCopy };
  }

  /** A disk that somebody has made. */
  async addFile(mount: MountOf<'disk'>, signal: AbortSignal): Promise<DiskMount> {
    const { source: path, target, readOnly, format, fstype, partition } = mount;
    const served = this.#readOnlyFiles.has(path);
    const { handle, identity } = await openDiskFile(path, format, served);
    this.#files.push(handle);
    await this.#holders.hold({ key: identity, name: path, readOnly: served }, this.#pod, signal);
    const disk = this.#plug(identity, { path, format, readOnly: served, file: handle });
    if (disk.format !== format || disk.readOnly !== served) {
      throw new HyperError('bad_request', `${path} and ${disk.path} are one disk: mount it by one name and format`);
    }
    // Which file system it has, and so whether it needs any, the guest finds out.
    this.#needsModules ||= !fstype?.startsWith('ext');
    const given = { ...(fstype === null ? {} : { fstype }), ...(partition === null ? {} : { partition }) };
    return { type: 'disk', name: disk.serial, path: target, readOnly, ...given };
  }

  /** What the guest says of its disks, by the names that they have on this host. */
  explain(failure: HyperError): HyperError {
    const paths = new Map([...this.#disks.values()].map(({ serial, path }) => [serial, path]));
    const message = failure.message.replace(/\bdisk (volume\d+)\b/g, (all, serial: string) => paths.get(serial) ?? all);
    return message === failure.message ? failure : new HyperError(failure.code, message, { cause: failure });
  }

  /** The VM has been given them, or has gone. */
  async close(): Promise<void> {
    for (const file of this.#files.splice(0)) await file.close();
  }

  #plug(identity: string, disk: Omit<PluggedDisk, 'serial'>): PluggedDisk {
    const known = this.#disks.get(identity);
    if (known !== undefined) return known;
    const plugged = { ...disk, serial: `volume${this.#disks.size}` };
    this.#disks.set(identity, plugged);
    return plugged;
  }
}

/** The disks that a pod's VM has, for a hyperd that finds it running. */
export async function heldDisks(record: PodRecord, volumes: Volumes): Promise<HeldDisk[]> {
  const kinds = new Map(volumes.list().map(({ name, kind }) => [name, kind]));
  const held: HeldDisk[] = [];
  for (const mount of mountsOf(record)) {
    if (mount.type === 'volume' && kinds.get(mount.volume) === 'disk') held.push(volumeHeld(mount.volume));
    if (mount.type !== 'disk') continue;
    const { source: name } = mount;
    held.push({ key: await diskIdentity(name), name, readOnly: readOnlyFiles(record).has(name) });
  }
  return held;
}

/** Whether the guest writes what outlives it: it is to end in order. */
export function writesDisks(record: PodRecord, volumes: Volumes): boolean {
  const kinds = new Map(volumes.list().map(({ name, kind }) => [name, kind]));
  return mountsOf(record).some((mount) => {
    const kind = mount.type === 'volume' ? kinds.get(mount.volume) : mount.type;
    return kind === 'disk' || kind === 'nfs';
  });
}

const mountsOf = ({ containers }: PodRecord): MountRecord[] => containers.flatMap(({ mounts }) => mounts);

/** One that is mounted twice is written where one of the mounts says so. */
function readOnlyFiles(record: PodRecord): ReadonlySet<string> {
  const files = mountsOf(record).filter((mount) => mount.type === 'disk');
  const written = new Set(files.flatMap(({ source, readOnly }) => (readOnly ? [] : [source])));
  return new Set(files.map(({ source }) => source).filter((source) => !written.has(source)));
}

/** A journal may have to be played back: what is read-only is so in the guest. */
const volumeHeld = (volume: string): HeldDisk => ({ key: volume, name: `volume ${volume}`, readOnly: false });
