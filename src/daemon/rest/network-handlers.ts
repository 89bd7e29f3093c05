import type { Engine } from '../../engine/index.ts';
import { presentNetwork } from './present.ts';
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
  const present = (description: ReturnType<Engine['network']>): ReturnType<typeof presentNetwork> =>
    presentNetwork(description, engine.pods());
  return {
    networkList: () => Promise.resolve(engine.networks().map(present)),
    networkCreate: async ({ body }) => present(await engine.createNetwork(body)),
    networkInspect: ({ params }) => Promise.resolve(present(engine.network(params.network))),
    networkRemove: async ({ params }) => ({ name: await engine.removeNetwork(params.network) }),
    networkConnect: async ({ params, body }) => {
      const { pod, ...wish } = body;
      await engine.connectNetwork(params.network, pod, wish);
      return {};
    },
    networkDisconnect: async ({ params, body }) => {
      await engine.disconnectNetwork(params.network, body.pod);
      return {};
    },
    networkPrune: async () => await engine.pruneNetworks(),
  };
}
