import type { Engine } from '../../engine/index.ts';
import { unlessAborted } from '../../lib/unless-aborted.ts';
import { presentExec } from './present.ts';
import type { Handlers } from './route-types.ts';

type ExecRoutes = 'execCreate' | 'execStart' | 'execInspect' | 'execWait' | 'execKill' | 'execResize';

export function execHandlers({ execs }: Engine): Pick<Handlers, ExecRoutes> {
  return {
    execCreate: ({ params, body }) => Promise.resolve({ id: execs.create(params.pod, body).id }),
    execStart: async ({ params }) => {
      await execs.start(params.exec);
      return {};
    },
    execInspect: ({ params }) => Promise.resolve(presentExec(execs.get(params.exec))),
    execWait: async ({ params, signal }) => {
      const { exitCode, error } = await unlessAborted(execs.get(params.exec).finished, signal);
      return { exitCode, error: error?.message ?? null };
    },
    execKill: async ({ params, body }) => {
      await execs.get(params.exec).signal(body.signal ?? 'KILL');
      return {};
    },
    execResize: async ({ params, body: { rows, cols } }) => {
      await execs.get(params.exec).resize(rows, cols);
      return {};
    },
  };
}
