import type { Engine } from '../../engine/index.ts';
import { presentPod } from './present.ts';
import type { Handlers } from './route-types.ts';

type ServiceRoutes = 'podServiceAdd' | 'podServiceUpdate' | 'podServiceRemove';

export function serviceHandlers(engine: Engine): Pick<Handlers, ServiceRoutes> {
  const servicesOf = (pod: string) => ({ services: presentPod(engine.pod(pod)).services });
  return {
    podServiceAdd: async ({ params, body }) => {
      await engine.services.add(params.pod, body.services);
      return servicesOf(params.pod);
    },
    podServiceUpdate: async ({ params, body }) => {
      await engine.services.update(params.pod, body.services);
      return servicesOf(params.pod);
    },
    podServiceRemove: async ({ params, body }) => {
      await engine.services.remove(params.pod, body);
      return servicesOf(params.pod);
    },
  };
}
