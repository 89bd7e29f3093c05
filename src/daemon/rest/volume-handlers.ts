import type { Volume } from '../../contract/index.ts';
import type { Engine, VolumeInUse } from '../../engine/index.ts';
import type { Handlers } from './route-types.ts';

type VolumeRoutes = 'volumeCreate' | 'volumeList' | 'volumeInspect' | 'volumeRemove' | 'volumePrune';

export function volumeHandlers({ volumes }: Engine): Pick<Handlers, VolumeRoutes> {
  return {
    volumeCreate: async ({ body }) => present(await volumes.create(body)),
    volumeList: () => Promise.resolve(volumes.list().map(present)),
    volumeInspect: ({ params }) => Promise.resolve(present(volumes.inspect(params.volume))),
    volumeRemove: async ({ params, query }) => {
      await volumes.remove(params.volume, query.force ?? false);
      return {};
    },
    volumePrune: async ({ body }) => await volumes.prune(body),
  };
}

function present({ record, path, pods }: VolumeInUse): Volume {
  const { name, kind, sizeMiB, anonymous, labels, options, createdAt } = record;
  const sizeBytes = sizeMiB === null ? null : sizeMiB * 2 ** 20;
  return {
    ...{ name, driver: 'local', kind, mountpoint: path, sizeBytes, anonymous },
    ...{ labels: { ...labels }, options: { ...options }, createdAt, pods: [...pods] },
  };
}
