import { type Engine, planPort } from '../../engine/index.ts';
import { HyperError } from '../../lib/errors.ts';
import { unlessAborted } from '../../lib/unless-aborted.ts';
import { encodeLogStream, parseSince } from './log-stream.ts';
import {
  presentContainer,
  presentExec,
  presentIdleVm,
  presentPod,
  presentPort,
  presentTiming,
  presentVm,
} from './present.ts';
import type { Handlers } from './route-types.ts';

type PodRoutes =
  | 'podCreate'
  | 'podList'
  | 'podInspect'
  | 'podStart'
  | 'podStop'
  | 'podKill'
  | 'podRemove'
  | 'podWait'
  | 'podLogs'
  | 'podPublish'
  | 'podUnpublish'
  | 'containerList'
  | 'containerInspect'
  | 'vmList'
  | 'execCreate'
  | 'execStart'
  | 'execInspect';

export function podHandlers(engine: Engine): Pick<Handlers, PodRoutes> {
  return {
    podCreate: async ({ body, signal }) => {
      const { id, name, containers } = await engine.createPod(body, signal);
      return { id, name, containers: containers.map((container) => container.id) };
    },
    podList: () => Promise.resolve(engine.pods().map(presentPod)),
    podInspect: ({ params }) => Promise.resolve(presentPod(engine.pod(params.pod))),
    podStart: async ({ params, signal }) => {
      const pod = engine.pod(params.pod);
      await pod.start(signal);
      return { warnings: pod.record.warnings, timing: presentTiming(pod.timing) };
    },
    podStop: async ({ params, body }) => {
      const { timeoutSeconds } = body;
      await engine.pod(params.pod).stop(timeoutSeconds === undefined ? undefined : timeoutSeconds * 1000);
      return {};
    },
    podKill: async ({ params, body }) => {
      await engine.pod(params.pod).kill(body.signal ?? 'KILL');
      return {};
    },
    podRemove: async ({ params, query }) => {
      await engine.pod(params.pod).remove(query.force ?? false, query.volumes);
      return {};
    },
    podWait: async ({ params, signal }) => {
      const { exitCode, error } = await unlessAborted(engine.pod(params.pod).wait(), signal);
      return { exitCode, error: error?.message ?? null };
    },
    podPublish: async ({ params, body }) => {
      const ports = await engine.pod(params.pod).publish(body.ports.map(planPort));
      return { ports: ports.map(presentPort) };
    },
    podUnpublish: async ({ params, body }) => ({ removed: await engine.pod(params.pod).unpublish(body) }),
    podLogs: ({ params, query, signal }) => {
      const pod = engine.pod(params.pod);
      const { tail, since, follow } = query;
      const records = pod.logs(
        {
          signal,
          ...(tail === undefined ? {} : { tail }),
          ...(since === undefined ? {} : { since: parseSince(since) }),
        },
        follow ?? false,
      );
      return Promise.resolve(encodeLogStream(records));
    },
    containerList: () =>
      Promise.resolve(
        engine
          .pods()
          .flatMap(({ record }) => record.containers.map((container) => presentContainer(container, record))),
      ),
    containerInspect: ({ params }) => {
      const { record } = engine.pod(params.container);
      const container = record.containers[0];
      if (container === undefined) throw new HyperError('not_found', `no such container: ${params.container}`);
      return Promise.resolve(presentContainer(container, record));
    },
    vmList: () =>
      Promise.resolve([
        ...engine.pods().flatMap((pod) => presentVm(pod) ?? []),
        ...engine.idleVms().map((vm) => presentIdleVm(vm)),
      ]),
    execCreate: ({ params, body }) => Promise.resolve({ id: engine.createExec(params.pod, body).id }),
    execStart: async ({ params }) => {
      await engine.exec(params.exec).start();
      return {};
    },
    execInspect: ({ params }) => Promise.resolve(presentExec(engine.exec(params.exec))),
  };
}
