import { posix } from 'node:path';
import type { ContainerSpec, MountSpec } from '../../contract/index.ts';
import { showFound } from '../found.ts';
import { normalPath } from '../normal-path.ts';
import type { PlannedFile } from '../planned-file.ts';
import type { FieldPath, Problems } from '../problems.ts';
import { byName, lookUp, noteOnce } from '../translate/by-name.ts';
import type { ConfigData, ConfigEntries } from './config-data.ts';
import type { Container, InitContainer, VolumeMount } from './container-fields.ts';
import { parseQuantity } from './quantity.ts';
import type { Volume } from './volume-fields.ts';

/** What a container has of the pod's volumes. */
export interface Mounted {
  readonly mounts: readonly MountSpec[];
  readonly tmpfs: NonNullable<ContainerSpec['tmpfs']>;
  readonly files: readonly PlannedFile[];
}

interface Place {
  /** The volume in the manifest. */
  readonly volume: FieldPath;
  /** Its mount in the manifest. */
  readonly mount: FieldPath;
}

const nothing: Mounted = { mounts: [], tmpfs: [], files: [] };
/** Room for what ConfigMaps and Secrets hold: at most 1 MiB each (the Kubernetes API). */
const configOptions = 'size=2m,mode=0755';
/** With what makes a tmpfs read-only once its files are in it. */
const withRights = (options: string, readOnly = false): string => (readOnly ? `${options},ro` : options);
const kindsOfVolumes = ['hostPath', 'emptyDir', 'configMap', 'secret', 'nfs'] as const;

/** The volumes of a pod: what each container gets of them. */
export class PodVolumes {
  readonly #named: ReadonlyMap<string, { readonly item: Volume; readonly at: FieldPath }>;
  /** How often each is mounted. */
  readonly #mounts = new Map<string, number>();
  readonly #data: ConfigData;
  readonly #problems: Problems;

  constructor(
    volumes: readonly Volume[],
    containers: readonly (Container | InitContainer)[],
    data: ConfigData,
    problems: Problems,
  ) {
    const at: FieldPath = ['spec', 'volumes'];
    this.#named = byName(
      volumes,
      ({ name }) => name,
      (index) => [...at, index, 'name'],
      problems,
    );
    this.#data = data;
    this.#problems = problems;
    volumes.forEach((volume, index) => {
      const kinds = kindsOfVolumes.filter((kind) => volume[kind] !== undefined);
      if (kinds.length > 1) problems.add([...at, index], `must be of one kind, found ${kinds.join(' and ')}`);
    });
    for (const { name } of containers.flatMap(({ volumeMounts = [] }) => volumeMounts))
      this.#mounts.set(name, (this.#mounts.get(name) ?? 0) + 1);
  }

  /** @param at the container's place in the manifest. */
  mountedIn({ volumeMounts = [] }: Container | InitContainer, at: FieldPath): Mounted {
    const paths = new Set<string>();
    const all = volumeMounts.map((mount, index) => {
      const place = [...at, 'volumeMounts', index];
      const target = normalPath(mount.mountPath);
      noteOnce(paths, target, [...place, 'mountPath'], this.#problems);
      const volume = lookUp(this.#named, mount.name, { at: [...place, 'name'], list: 'volumes' }, this.#problems);
      const volumeAt = this.#named.get(mount.name)?.at.slice(0, -1) ?? place;
      return volume === undefined ? nothing : this.#mount(volume, mount, { volume: volumeAt, mount: place });
    });
    return {
      mounts: all.flatMap(({ mounts }) => mounts),
      tmpfs: all.flatMap(({ tmpfs }) => tmpfs),
      files: all.flatMap(({ files }) => files),
    };
  }

  #mount(volume: Volume, mount: VolumeMount, place: Place): Mounted {
    const { hostPath, configMap, secret, nfs } = volume;
    const target = normalPath(mount.mountPath);
    const readOnly = mount.readOnly ?? false;
    if (hostPath !== undefined) {
      const source = posix.join(hostPath.path, mount.subPath ?? '');
      const create = hostPath.type === 'DirectoryOrCreate';
      return { ...nothing, mounts: [{ type: 'bind', source, target, readOnly, ...(create ? { create } : {}) }] };
    }
    if (nfs !== undefined) {
      const source = `${nfs.server}:${posix.join(nfs.path, mount.subPath ?? '')}`;
      return { ...nothing, mounts: [{ type: 'nfs', source, target, readOnly: readOnly || (nfs.readOnly ?? false) }] };
    }
    if (configMap !== undefined || secret !== undefined) {
      const wish = {
        kind: secret === undefined ? 'ConfigMap' : 'Secret',
        name: configMap?.name ?? secret?.secretName ?? '',
        ...(configMap ?? secret),
      } as const;
      const nameAt = [...place.volume, ...(secret === undefined ? ['configMap', 'name'] : ['secret', 'secretName'])];
      const entries = this.#data.find(wish, nameAt, this.#problems) ?? new Map<string, Buffer>();
      return this.#mountConfig(filesOf(entries, wish, place.volume, this.#problems), mount, place);
    }
    return this.#mountEmpty(volume, mount, place);
  }

  /** In a file system of its own, so that what the image has there is hidden as in a cluster; a `subPath` is one file in its place. */
  #mountConfig(
    files: readonly PlannedFile[],
    { mountPath, subPath, readOnly }: VolumeMount,
    { mount }: Place,
  ): Mounted {
    const target = normalPath(mountPath);
    const rights = readOnly === true ? { readOnly } : {};
    if (subPath === undefined) {
      const inPlace = files.map((file) => ({ ...file, ...rights, path: posix.join(target, file.path) }));
      return { mounts: [], tmpfs: [{ path: target, options: withRights(configOptions, readOnly) }], files: inPlace };
    }
    const wanted = normalPath(subPath);
    const file = files.find(({ path }) => path === wanted);
    if (file !== undefined) return { ...nothing, files: [{ ...file, ...rights, path: target }] };
    this.#problems.add(
      [...mount, 'subPath'],
      `must be one of ${files.map(({ path }) => path).join(', ')}, found ${showFound(subPath)}`,
    );
    return nothing;
  }

  #mountEmpty({ name, emptyDir }: Volume, mount: VolumeMount, place: Place): Mounted {
    const { mountPath, readOnly = false, subPath } = mount;
    const target = normalPath(mountPath);
    if (subPath !== undefined) {
      this.#problems.unsupported(
        [...place.mount, 'subPath'],
        'a folder in an emptyDir cannot be mounted: mount the whole, or two of them',
      );
      return nothing;
    }
    const at = [...place.volume, 'emptyDir'];
    const size = this.#sizeOf(emptyDir?.sizeLimit, [...at, 'sizeLimit']);
    if (emptyDir?.medium === 'Memory') {
      if ((this.#mounts.get(name) ?? 0) > 1) {
        this.#problems.unsupported(
          [...at, 'medium'],
          'it can be mounted once, for containers cannot share a folder in memory yet: leave out medium',
        );
      }
      const options = ['mode=0777', ...(size === undefined ? [] : [`size=${size}`])].join(',');
      return { ...nothing, tmpfs: [{ path: target, options: withRights(options, readOnly) }] };
    }
    const disk =
      size === undefined ? {} : { options: { type: 'disk', size: `${Math.max(32, Math.ceil(size / 2 ** 20))}m` } };
    return {
      ...nothing,
      mounts: [{ type: 'volume', ofPod: true, source: name, target, readOnly, noCopy: true, ...disk }],
    };
  }

  #sizeOf(limit: string | number | undefined, at: FieldPath): number | undefined {
    if (limit === undefined) return undefined;
    const size = parseQuantity(limit);
    if (size !== undefined && size > 0) return Math.ceil(size);
    this.#problems.add(at, `must be a quantity, as 64Mi, found ${showFound(limit)}`);
    return undefined;
  }
}

interface ConfigWish {
  readonly items?:
    readonly { readonly key: string; readonly path: string; readonly mode?: number | undefined }[] | undefined;
  readonly defaultMode?: number | undefined;
  readonly optional?: boolean | undefined;
  readonly kind: string;
}

/** The files of a ConfigMap or Secret, by their paths in the volume. */
function filesOf(
  entries: ConfigEntries,
  { items, defaultMode = 0o644, optional = false, kind }: ConfigWish,
  at: FieldPath,
  problems: Problems,
): PlannedFile[] {
  if (items === undefined) return [...entries].map(([path, content]) => ({ path, mode: defaultMode, content }));
  return items.flatMap(({ key, path, mode = defaultMode }, index) => {
    const content = entries.get(key);
    const place = [...at, kind === 'Secret' ? 'secret' : 'configMap', 'items', index];
    if (posix.isAbsolute(path) || path.split('/').includes('..')) {
      problems.add([...place, 'path'], `must be a relative path without .., found ${showFound(path)}`);
      return [];
    }
    if (content !== undefined) return [{ path: normalPath(path), mode, content }];
    if (!optional) problems.add([...place, 'key'], `must be a key of that ${kind}, found ${showFound(key)}`);
    return [];
  });
}
