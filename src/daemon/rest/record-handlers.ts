import type { Engine } from '../../engine/index.ts';
import { pruneFilterOf } from './prune-filter-of.ts';
import type { Handlers } from './route-types.ts';

type RecordRoutes = 'podRename' | 'podLabels' | 'podUpdate' | 'podPrune' | 'imagePrune' | 'diskUsage' | 'login';

export function recordHandlers(engine: Engine): Pick<Handlers, RecordRoutes> {
  const { records, images } = engine;
  return {
    podRename: async ({ params, body }) => {
      await records.rename(params.pod, body.name);
      return {};
    },
    podLabels: async ({ params, body }) => ({
      labels: { ...(await records.label(params.pod, body.labels, body.overwrite ?? false)) },
    }),
    podUpdate: async ({ params, body }) => {
      await records.update(params.pod, body);
      return {};
    },
    podPrune: async ({ body }) => await records.prune(pruneFilterOf(body)),
    imagePrune: async ({ body }) => await images.prune({ ...pruneFilterOf(body), all: body.all }),
    login: async ({ body: { server, username, password }, signal }) => {
      const login = { kind: 'password', username, password } as const;
      return { identityToken: (await images.logIn(server, login, signal)) ?? null };
    },
    diskUsage: async () => [...(await engine.diskUsage())],
  };
}
