import { cpus, release, totalmem } from 'node:os';
import { diskProblem, type Engine } from '../../engine/index.ts';
import { presentTemplate } from './present.ts';
import type { Handlers } from './route-types.ts';

/** What the front door needs to know of the process that it stands in. */
export interface DaemonFacts {
  readonly version: string;
  readonly root: string;
  readonly socket: string;
  readonly rootless: boolean;
  /** The operating system's name, of /etc/os-release. */
  readonly os: string;
}

type SystemRoutes = 'ping' | 'version' | 'info' | 'templateList' | 'templateCreate' | 'templateRemove';

export function systemHandlers(engine: Engine, facts: DaemonFacts): Pick<Handlers, SystemRoutes> {
  return {
    ping: () => Promise.resolve({ ok: true }),
    version: () => {
      const { hypervisor } = engine.describe();
      return Promise.resolve({
        version: facts.version,
        apiVersion: 'v1',
        node: process.version,
        qemu: hypervisor.version,
        kernel: hypervisor.kernel,
        os: facts.os,
        arch: 'amd64',
      });
    },
    info: async () => {
      const { hypervisor, network, pool, prepared, memory } = engine.describe();
      const { reservedMiB, maxMiB, waiting: waitingStarts } = memory;
      const { problems, kernel, ...description } = hypervisor;
      const pods = engine.pods();
      const networkProblem = network.state === 'up' ? [] : [`pods have no network: ${network.reason}`];
      const diskProblems = [await diskProblem(facts.root)].filter((problem) => problem !== undefined);
      return {
        ...facts,
        pid: process.pid,
        hypervisor: description,
        kernel,
        pods: { total: pods.length, running: pods.filter(({ running }) => running).length },
        containers: pods.reduce((sum, { record }) => sum + record.containers.length, 0),
        images: engine.images.list().length,
        network,
        pool,
        preparedTemplates: prepared,
        vmMemory: { reservedMiB, maxMiB, waitingStarts },
        host: { os: facts.os, kernel: release(), cpus: cpus().length, memoryBytes: totalmem() },
        problems: [...problems, ...networkProblem, ...diskProblems],
      };
    },
    templateList: async () => (await engine.templates.list()).map(presentTemplate),
    templateCreate: async ({ body, signal }) => presentTemplate(await engine.templates.make(body, signal)),
    templateRemove: async ({ params }) => ({ id: await engine.templates.remove(params.template) }),
  };
}
