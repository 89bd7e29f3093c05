import { type Engine, listProcesses, planPort, podStats } from '../../engine/index.ts';
import { unlessAborted } from '../../lib/unless-aborted.ts';
import { encodeLogStream, parseSince } from './log-stream.ts';
import { presentContainer, presentIdleVm, presentPod, presentPort, presentTiming, presentVm } from './present.ts';
import type { Handlers } from './route-types.ts';

type PodRoutes =
  | 'podCreate'
  | 'podList'
  | 'podInspect'
  | 'podStart'
  | 'podReplace'
  | 'podStop'
  | 'podPause'
  | 'podUnpause'
  | 'podKill'
  | 'podRemove'
  | 'podWait'
  | 'podLogs'
  | 'podStats'
  | 'podTop'
  | 'podPublish'
  | 'podUnpublish'
  | 'containerList'
  | 'containerInspect'
  | 'containerAdd'
  | 'containerStart'
  | 'containerStop'
  | 'containerRemove'
  | 'vmList'
  | 'vmCreate'
  | 'vmRemove';

export function podHandlers(engine: Engine): Pick<Handlers, PodRoutes> {
  return {
    podCreate: async ({ body, signal }) => {
      const { id, name, containers } = await engine.createPod(body, signal);
      return { id, name, containers: containers.map((container) => container.id) };
    },
    podList: () => Promise.resolve(engine.pods().map(presentPod)),
    podInspect: ({ params }) => Promise.resolve(presentPod(engine.pod(params.pod))),
    podStart: async ({ params, query, signal }) => {
      const pod = engine.pod(params.pod);
      await pod.start(signal, query.vm);
      return { warnings: pod.record.warnings, timing: presentTiming(pod.timing) };
    },
    podReplace: async ({ params, body: { by, timeoutSeconds }, signal }) => {
      const timeoutMs = timeoutSeconds === undefined ? undefined : timeoutSeconds * 1000;
      await engine.replacePod(params.pod, by, { timeoutMs, signal });
      const pod = engine.pod(by);
      return { warnings: pod.record.warnings, timing: presentTiming(pod.timing) };
    },
    podStop: async ({ params, body }) => {
      const { timeoutSeconds, signal } = body;
      const timeoutMs = timeoutSeconds === undefined ? undefined : timeoutSeconds * 1000;
      await engine.pod(params.pod).stop(timeoutMs, { signal });
      return {};
    },
    podPause: async ({ params }) => {
      await engine.pausePod(params.pod);
      return {};
    },
    podUnpause: async ({ params }) => {
      await engine.unpausePod(params.pod);
      return {};
    },
    podKill: async ({ params, body }) => {
      const { pod, container, byContainer } = engine.target(params.pod);
      await pod.kill(body.signal ?? 'KILL', byContainer ? container : undefined);
      return {};
    },
    podRemove: async ({ params, query }) => {
      await engine.pod(params.pod).remove(query.force ?? false, query.volumes);
      return {};
    },
    podWait: async ({ params, signal }) => {
      const { pod, container, byContainer } = engine.target(params.pod);
      const { exitCode, error } = await unlessAborted(byContainer ? container.finished : pod.wait(), signal);
      return { exitCode, error: error?.message ?? null };
    },
    podStats: async ({ params }) => {
      const pod = engine.pod(params.pod);
      const { containers, time, ...traffic } = await podStats(pod);
      const { id: podId, name, vcpus } = pod.record;
      return { podId, name, vcpus, time: new Date(time).toISOString(), containers: [...containers], ...traffic };
    },
    podTop: async ({ params }) => {
      const { pod, container, byContainer } = engine.target(params.pod);
      const processes = await listProcesses(pod, byContainer ? [container] : pod.containers);
      return processes.map(({ args, ...process }) => ({ ...process, args: [...args] }));
    },
    podPublish: async ({ params, body }) => {
      const ports = await engine.pod(params.pod).publish(body.ports.map(planPort));
      return { ports: ports.map(presentPort) };
    },
    podUnpublish: async ({ params, body }) => ({ removed: await engine.pod(params.pod).unpublish(body) }),
    podLogs: ({ params, query, signal }) => {
      const { container } = engine.target(params.pod);
      const { tail, since, until, follow } = query;
      const records = container.logs(
        {
          signal,
          ...(tail === undefined ? {} : { tail }),
          ...(since === undefined ? {} : { since: parseSince(since) }),
          ...(until === undefined ? {} : { until: parseSince(until, 'query.until') }),
        },
        follow ?? false,
      );
      return Promise.resolve(encodeLogStream(records));
    },
    containerList: () => Promise.resolve(engine.pods().flatMap(({ containers }) => containers.map(presentContainer))),
    containerInspect: ({ params }) => {
      return Promise.resolve(presentContainer(engine.target(params.container).container));
    },
    containerAdd: async ({ params, body, signal }) => {
      const { id, name } = await engine.addContainer(params.pod, body, signal);
      return { id, name };
    },
    containerStart: async ({ params }) => {
      await engine.startContainer(params.container);
      return {};
    },
    containerStop: async ({ params, body: { timeoutSeconds, signal } }) => {
      const timeoutMs = timeoutSeconds === undefined ? undefined : timeoutSeconds * 1000;
      await engine.stopContainer(params.container, timeoutMs, signal);
      return {};
    },
    containerRemove: async ({ params, query }) => {
      await engine.removeContainer(params.container, query.force ?? false);
      return {};
    },
    vmList: () =>
      Promise.resolve([
        ...engine.pods().flatMap((pod) => presentVm(pod) ?? []),
        ...engine.vms.idle().map((vm) => presentIdleVm(vm)),
      ]),
    vmCreate: async ({ body, signal }) => presentIdleVm(await engine.vms.create(body, signal)),
    vmRemove: async ({ params }) => ({ id: await engine.vms.remove(params.vm) }),
  };
}
