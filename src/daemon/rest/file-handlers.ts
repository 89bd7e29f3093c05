import type { Engine } from '../../engine/index.ts';
import type { Handlers } from './route-types.ts';

type FileRoutes = 'podArchive' | 'podArchiveStat' | 'podArchiveWrite' | 'podExport' | 'podChanges';

export function fileHandlers({ files }: Engine): Pick<Handlers, FileRoutes> {
  return {
    podArchive: ({ params, query, signal }) => files.pack(params.pod, query.path, signal),
    podArchiveStat: ({ params, query, signal }) => files.stat(params.pod, query.path, signal),
    podArchiveWrite: async ({ params, query, upload, signal }) => {
      const options = { owners: query.copyUIDGID ?? false, replace: !(query.noOverwriteDirNonDir ?? false) };
      await files.unpack(params.pod, query.path, upload, options, signal);
      return {};
    },
    podExport: ({ params, signal }) => files.exportRoot(params.pod, signal),
    podChanges: ({ params, signal }) => files.changes(params.pod, signal),
  };
}
