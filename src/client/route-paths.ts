import type { RouteName, Routes } from '../contract/index.ts';

type RoutePaths = { readonly [N in RouteName]: `${Routes[N]['method']} ${Routes[N]['path']}` };

/** Method and path of each call: the contract's table without its schemas. A mismatch does not compile. */
export const routePaths: RoutePaths = {
  ping: 'GET /v1/ping',
  version: 'GET /v1/version',
  info: 'GET /v1/info',
  eventList: 'GET /v1/events',
  templateList: 'GET /v1/templates',
  templateCreate: 'POST /v1/templates',
  templateRemove: 'DELETE /v1/templates/:template',
  networkList: 'GET /v1/networks',
  networkCreate: 'POST /v1/networks',
  networkPrune: 'POST /v1/networks/prune',
  networkInspect: 'GET /v1/networks/:network',
  networkRemove: 'DELETE /v1/networks/:network',
  networkConnect: 'POST /v1/networks/:network/connect',
  networkDisconnect: 'POST /v1/networks/:network/disconnect',
  imageList: 'GET /v1/images',
  imageInspect: 'GET /v1/images/inspect',
  imagePull: 'POST /v1/images/pull',
  imageLoad: 'POST /v1/images/load',
  imageRemove: 'DELETE /v1/images',
  volumeCreate: 'POST /v1/volumes',
  volumeList: 'GET /v1/volumes',
  volumeInspect: 'GET /v1/volumes/:volume',
  volumeRemove: 'DELETE /v1/volumes/:volume',
  volumePrune: 'POST /v1/volumes/prune',
  podFileRead: 'POST /v1/pod-files',
  podFileSchema: 'GET /v1/pod-files/schema',
  podCreate: 'POST /v1/pods',
  podList: 'GET /v1/pods',
  podInspect: 'GET /v1/pods/:pod',
  podStart: 'POST /v1/pods/:pod/start',
  podReplace: 'POST /v1/pods/:pod/replace',
  podStop: 'POST /v1/pods/:pod/stop',
  podPause: 'POST /v1/pods/:pod/pause',
  podUnpause: 'POST /v1/pods/:pod/unpause',
  podKill: 'POST /v1/pods/:pod/kill',
  podRemove: 'DELETE /v1/pods/:pod',
  podWait: 'GET /v1/pods/:pod/wait',
  podAttach: 'GET /v1/pods/:pod/attach',
  podRun: 'GET /v1/run',
  podLogs: 'GET /v1/pods/:pod/logs',
  podStats: 'GET /v1/pods/:pod/stats',
  podTop: 'GET /v1/pods/:pod/processes',
  podArchive: 'GET /v1/pods/:pod/archive',
  podArchiveStat: 'GET /v1/pods/:pod/archive/stat',
  podArchiveWrite: 'PUT /v1/pods/:pod/archive',
  podExport: 'GET /v1/pods/:pod/export',
  podChanges: 'GET /v1/pods/:pod/changes',
  podPublish: 'POST /v1/pods/:pod/ports',
  podUnpublish: 'POST /v1/pods/:pod/ports/remove',
  podServiceAdd: 'POST /v1/pods/:pod/services',
  podServiceUpdate: 'POST /v1/pods/:pod/services/update',
  podServiceRemove: 'POST /v1/pods/:pod/services/remove',
  containerList: 'GET /v1/containers',
  containerInspect: 'GET /v1/containers/:container',
  containerAdd: 'POST /v1/pods/:pod/containers',
  containerStart: 'POST /v1/containers/:container/start',
  containerStop: 'POST /v1/containers/:container/stop',
  containerRemove: 'DELETE /v1/containers/:container',
  vmList: 'GET /v1/vms',
  vmCreate: 'POST /v1/vms',
  vmRemove: 'DELETE /v1/vms/:vm',
  execCreate: 'POST /v1/pods/:pod/execs',
  execStart: 'POST /v1/execs/:exec/start',
  execInspect: 'GET /v1/execs/:exec',
  execWait: 'GET /v1/execs/:exec/wait',
  execKill: 'POST /v1/execs/:exec/kill',
  execResize: 'POST /v1/execs/:exec/resize',
  execAttach: 'GET /v1/execs/:exec/attach',
  execRun: 'GET /v1/pods/:pod/exec',
  podRename: 'POST /v1/pods/:pod/rename',
  podLabels: 'POST /v1/pods/:pod/labels',
  podUpdate: 'POST /v1/pods/:pod/update',
  podPrune: 'POST /v1/pods/prune',
  imagePrune: 'POST /v1/images/prune',
  login: 'POST /v1/login',
  diskUsage: 'GET /v1/disk-usage',
};

export type QueryValue = string | number | boolean | undefined;

/** The request line's target: parameters in place, the query appended. Values that are undefined or false are left out. */
export function requestTarget(
  path: string,
  params: Readonly<Record<string, string>>,
  query: Readonly<Record<string, QueryValue>>,
): string {
  const filled = path.replaceAll(/:([a-z]+)/gi, (_, name: string) => {
    const value = params[name];
    if (value === undefined) throw new Error(`${path} needs the parameter ${name}`);
    return encodeURIComponent(value);
  });
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === false) continue;
    search.set(name, value === true ? '1' : String(value));
  }
  const text = search.toString();
  return text === '' ? filled : `${filled}?${text}`;
}
