import type { Engine } from '../../engine/index.ts';
import { presentNetwork } from './present.ts';
import { pruneFilterOf } from './prune-filter-of.ts';
import type { Handlers } from './route-types.ts';

type NetworkRoutes =
  | 'networkList'
  | 'networkCreate'
  | 'networkInspect'
  | 'networkRemove'
  | 'networkPrune'
  | 'networkConnect'
  | 'networkDisconnect';

export function networkHandlers(engine: Engine): Pick<Handlers, NetworkRoutes> {
  const present = (description: ReturnType<Engine['networks']['find']>): ReturnType<typeof presentNetwork> =>
    presentNetwork(description, engine.pods());
  return {
    networkList: () => Promise.resolve(engine.networks.list().map(present)),
    networkCreate: async ({ body }) => present(await engine.networks.create(body)),
    networkInspect: ({ params }) => Promise.resolve(present(engine.networks.find(params.network))),
    networkRemove: async ({ params }) => ({ name: await engine.networks.remove(params.network) }),
    networkConnect: async ({ params, body }) => {
      const { pod, ...wish } = body;
      await engine.networks.connect(params.network, pod, wish);
      return {};
    },
    networkDisconnect: async ({ params, body }) => {
      await engine.networks.disconnect(params.network, body.pod);
      return {};
    },
    networkPrune: async ({ body }) => await engine.networks.prune(pruneFilterOf(body)),
  };
}
