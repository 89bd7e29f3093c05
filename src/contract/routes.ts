import { z } from 'zod';
import { Event } from './event.ts';
import { execRoutes } from './exec-routes.ts';
import { Change, PathStat } from './file.ts';
import { Image, ImageDetails, ImageProgress, ImageRemoval, PullRequest } from './image.ts';
import { Network, NetworkConnection, NetworkSpec, Port, PortRemoval, PortSpec } from './network.ts';
import {
  Container,
  ContainerSpec,
  KillRequest,
  Pod,
  PodCreated,
  PodSpec,
  PodStarted,
  ReplaceRequest,
  StopRequest,
  Vm,
  VmRequest,
  WaitResult,
} from './pod.ts';
import { PodFileContent, PodFileRequest } from './pod-file.ts';
import { Service, ServiceRemoval, ServiceSpecs } from './service.ts';
import { Info, Template, TemplateRequest, Version } from './system.ts';
import { Pruned, PrunedBytes } from './pruned.ts';
import { recordRoutes } from './record-routes.ts';
import { PruneRequest } from './records.ts';
import { empty, flag, podParam } from './route-parts.ts';
import { PodStats, Process } from './usage.ts';
import { Volume, VolumePruneRequest, VolumeSpec } from './volume.ts';

const servicesAsked = z.strictObject({ services: ServiceSpecs.min(1) });
const services = z.object({ services: z.array(Service) });
const networkParam = z.object({ network: z.string().min(1) });
const volumeParam = z.object({ volume: z.string().min(1) });
const containerParam = z.object({ container: z.string().min(1) });

/**
 * The whole API: method, path and shapes of each call. hyperd's handlers, the client and /openapi.json are all made
 * from this table. `kind` says what the answer is: JSON, NDJSON, bytes, a tar, or a WebSocket (docs/api.md, Attach).
 */
export const routes = {
  ping: { method: 'GET', path: '/v1/ping', kind: 'json', response: z.object({ ok: z.literal(true) }) },
  version: { method: 'GET', path: '/v1/version', kind: 'json', response: Version },
  info: { method: 'GET', path: '/v1/info', kind: 'json', response: Info },

  eventList: {
    method: 'GET',
    path: '/v1/events',
    kind: 'ndjson',
    query: z.object({
      since: z.string().optional().describe('ISO 8601 or seconds since 1970; left out: only what comes'),
      after: z.coerce.number().int().min(0).optional().describe('a sequence: only what came after it'),
      follow: flag.describe('go on with what comes'),
    }),
    response: Event,
  },

  templateList: { method: 'GET', path: '/v1/templates', kind: 'json', response: z.array(Template) },
  templateCreate: { method: 'POST', path: '/v1/templates', kind: 'json', body: TemplateRequest, response: Template },
  templateRemove: {
    method: 'DELETE',
    path: '/v1/templates/:template',
    kind: 'json',
    params: z.object({ template: z.string().min(1) }),
    response: z.object({ id: z.string() }),
  },

  networkList: { method: 'GET', path: '/v1/networks', kind: 'json', response: z.array(Network) },
  networkCreate: { method: 'POST', path: '/v1/networks', kind: 'json', body: NetworkSpec, response: Network },
  networkPrune: {
    method: 'POST',
    path: '/v1/networks/prune',
    kind: 'json',
    body: PruneRequest,
    response: Pruned,
  },
  networkInspect: {
    method: 'GET',
    path: '/v1/networks/:network',
    kind: 'json',
    params: networkParam,
    response: Network,
  },
  networkRemove: {
    method: 'DELETE',
    path: '/v1/networks/:network',
    kind: 'json',
    params: networkParam,
    response: z.object({ name: z.string() }),
  },

  networkConnect: {
    method: 'POST',
    path: '/v1/networks/:network/connect',
    kind: 'json',
    params: networkParam,
    body: NetworkConnection,
    response: empty,
  },
  networkDisconnect: {
    method: 'POST',
    path: '/v1/networks/:network/disconnect',
    kind: 'json',
    params: networkParam,
    body: z.strictObject({ pod: z.string().min(1) }),
    response: empty,
  },

  imageList: { method: 'GET', path: '/v1/images', kind: 'json', response: z.array(Image) },
  imageInspect: {
    method: 'GET',
    path: '/v1/images/inspect',
    kind: 'json',
    query: z.object({ reference: z.string().min(1) }),
    response: ImageDetails,
  },
  imagePull: { method: 'POST', path: '/v1/images/pull', kind: 'ndjson', body: PullRequest, response: ImageProgress },
  imageLoad: { method: 'POST', path: '/v1/images/load', kind: 'ndjson', upload: true, response: ImageProgress },
  imageRemove: {
    method: 'DELETE',
    path: '/v1/images',
    kind: 'json',
    query: z.object({ reference: z.string().min(1), force: flag }),
    response: ImageRemoval,
  },

  volumeCreate: { method: 'POST', path: '/v1/volumes', kind: 'json', body: VolumeSpec, response: Volume },
  volumeList: { method: 'GET', path: '/v1/volumes', kind: 'json', response: z.array(Volume) },
  volumeInspect: { method: 'GET', path: '/v1/volumes/:volume', kind: 'json', params: volumeParam, response: Volume },
  volumeRemove: {
    method: 'DELETE',
    path: '/v1/volumes/:volume',
    kind: 'json',
    params: volumeParam,
    query: z.object({ force: flag.describe('no error where there is none') }),
    response: empty,
  },
  volumePrune: {
    method: 'POST',
    path: '/v1/volumes/prune',
    kind: 'json',
    body: VolumePruneRequest,
    response: PrunedBytes,
  },

  podFileRead: { method: 'POST', path: '/v1/pod-files', kind: 'json', body: PodFileRequest, response: PodFileContent },
  podFileSchema: {
    method: 'GET',
    path: '/v1/pod-files/schema',
    kind: 'json',
    response: z.record(z.string(), z.unknown()),
  },

  podCreate: { method: 'POST', path: '/v1/pods', kind: 'json', body: PodSpec, response: PodCreated },
  podList: { method: 'GET', path: '/v1/pods', kind: 'json', response: z.array(Pod) },
  podInspect: { method: 'GET', path: '/v1/pods/:pod', kind: 'json', params: podParam, response: Pod },
  podStart: {
    method: 'POST',
    path: '/v1/pods/:pod/start',
    kind: 'json',
    params: podParam,
    query: z.object({ vm: z.string().min(1).optional().describe('one of vmCreate') }),
    response: PodStarted,
  },
  podReplace: {
    method: 'POST',
    path: '/v1/pods/:pod/replace',
    kind: 'json',
    params: podParam,
    body: ReplaceRequest,
    response: PodStarted,
  },
  podStop: {
    method: 'POST',
    path: '/v1/pods/:pod/stop',
    kind: 'json',
    params: podParam,
    body: StopRequest,
    response: empty,
  },
  podPause: { method: 'POST', path: '/v1/pods/:pod/pause', kind: 'json', params: podParam, response: empty },
  podUnpause: { method: 'POST', path: '/v1/pods/:pod/unpause', kind: 'json', params: podParam, response: empty },
  podKill: {
    method: 'POST',
    path: '/v1/pods/:pod/kill',
    kind: 'json',
    params: podParam,
    body: KillRequest,
    response: empty,
  },
  podRemove: {
    method: 'DELETE',
    path: '/v1/pods/:pod',
    kind: 'json',
    params: podParam,
    query: z.object({ force: flag, volumes: flag.describe('its anonymous volumes too') }),
    response: empty,
  },
  podWait: { method: 'GET', path: '/v1/pods/:pod/wait', kind: 'json', params: podParam, response: WaitResult },
  podAttach: {
    method: 'GET',
    path: '/v1/pods/:pod/attach',
    kind: 'websocket',
    params: podParam,
    query: z.object({ start: flag, stdin: flag }),
  },
  /** The client's first message is a PodSpec; after `created` as podAttach with `start`. */
  podRun: { method: 'GET', path: '/v1/run', kind: 'websocket', query: z.object({ stdin: flag }) },
  podLogs: {
    method: 'GET',
    path: '/v1/pods/:pod/logs',
    kind: 'bytes',
    params: podParam,
    query: z.object({
      follow: flag,
      tail: z.coerce.number().int().min(0).optional().describe('only the last lines'),
      since: z.string().optional().describe('ISO 8601 or seconds since 1970'),
      until: z.string().optional().describe('the same; nothing is followed'),
    }),
  },

  podStats: { method: 'GET', path: '/v1/pods/:pod/stats', kind: 'json', params: podParam, response: PodStats },
  podTop: {
    method: 'GET',
    path: '/v1/pods/:pod/processes',
    kind: 'json',
    params: podParam,
    response: z.array(Process),
  },

  podArchive: {
    method: 'GET',
    path: '/v1/pods/:pod/archive',
    kind: 'tar',
    params: podParam,
    query: z.object({ path: z.string().min(1) }),
  },
  podArchiveStat: {
    method: 'GET',
    path: '/v1/pods/:pod/archive/stat',
    kind: 'json',
    params: podParam,
    query: z.object({ path: z.string().min(1) }),
    response: PathStat,
  },
  podArchiveWrite: {
    method: 'PUT',
    path: '/v1/pods/:pod/archive',
    kind: 'json',
    params: podParam,
    query: z.object({
      path: z.string().min(1).describe('a folder that is there'),
      noOverwriteDirNonDir: flag.describe('a folder does not take the place of what is none, nor the other way round'),
      copyUIDGID: flag.describe('files keep the owners of the tar; else they are root’s'),
    }),
    upload: true,
    response: empty,
  },
  podExport: { method: 'GET', path: '/v1/pods/:pod/export', kind: 'tar', params: podParam },
  podChanges: {
    method: 'GET',
    path: '/v1/pods/:pod/changes',
    kind: 'json',
    params: podParam,
    response: z.array(Change),
  },

  podPublish: {
    method: 'POST',
    path: '/v1/pods/:pod/ports',
    kind: 'json',
    params: podParam,
    body: z.strictObject({ ports: z.array(PortSpec).min(1).max(1024) }),
    response: z.object({ ports: z.array(Port) }),
  },
  podUnpublish: {
    method: 'POST',
    path: '/v1/pods/:pod/ports/remove',
    kind: 'json',
    params: podParam,
    body: PortRemoval,
    response: z.object({ removed: z.number().int() }),
  },

  podServiceAdd: {
    method: 'POST',
    path: '/v1/pods/:pod/services',
    kind: 'json',
    params: podParam,
    body: servicesAsked,
    response: services,
  },
  podServiceUpdate: {
    method: 'POST',
    path: '/v1/pods/:pod/services/update',
    kind: 'json',
    params: podParam,
    body: servicesAsked,
    response: services,
  },
  podServiceRemove: {
    method: 'POST',
    path: '/v1/pods/:pod/services/remove',
    kind: 'json',
    params: podParam,
    body: ServiceRemoval,
    response: services,
  },

  containerList: { method: 'GET', path: '/v1/containers', kind: 'json', response: z.array(Container) },
  containerInspect: {
    method: 'GET',
    path: '/v1/containers/:container',
    kind: 'json',
    params: containerParam,
    response: Container,
  },
  containerAdd: {
    method: 'POST',
    path: '/v1/pods/:pod/containers',
    kind: 'json',
    params: podParam,
    body: ContainerSpec,
    response: z.object({ id: z.string(), name: z.string() }),
  },
  containerStart: {
    method: 'POST',
    path: '/v1/containers/:container/start',
    kind: 'json',
    params: containerParam,
    response: empty,
  },
  containerStop: {
    method: 'POST',
    path: '/v1/containers/:container/stop',
    kind: 'json',
    params: containerParam,
    body: StopRequest,
    response: empty,
  },
  containerRemove: {
    method: 'DELETE',
    path: '/v1/containers/:container',
    kind: 'json',
    params: containerParam,
    query: z.object({ force: flag }),
    response: empty,
  },
  vmList: { method: 'GET', path: '/v1/vms', kind: 'json', response: z.array(Vm) },
  vmCreate: { method: 'POST', path: '/v1/vms', kind: 'json', body: VmRequest, response: Vm },
  vmRemove: {
    method: 'DELETE',
    path: '/v1/vms/:vm',
    kind: 'json',
    params: z.object({ vm: z.string().min(1) }),
    response: z.object({ id: z.string() }),
  },

  ...execRoutes,
  ...recordRoutes,
} as const;

export type Routes = typeof routes;
export type RouteName = keyof Routes;
