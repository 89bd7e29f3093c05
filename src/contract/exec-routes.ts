import { z } from 'zod';
import { Exec, ExecResize, ExecSpec } from './exec.ts';
import { KillRequest, WaitResult } from './pod.ts';
import { empty, podParam } from './route-parts.ts';

const execParam = z.object({ exec: z.string().min(1) });

/** Further processes in pods that run. */
export const execRoutes = {
  execCreate: {
    method: 'POST',
    path: '/v1/pods/:pod/execs',
    kind: 'json',
    params: podParam,
    body: ExecSpec,
    response: z.object({ id: z.string() }),
  },
  execStart: { method: 'POST', path: '/v1/execs/:exec/start', kind: 'json', params: execParam, response: empty },
  execInspect: { method: 'GET', path: '/v1/execs/:exec', kind: 'json', params: execParam, response: Exec },
  execWait: { method: 'GET', path: '/v1/execs/:exec/wait', kind: 'json', params: execParam, response: WaitResult },
  execKill: {
    method: 'POST',
    path: '/v1/execs/:exec/kill',
    kind: 'json',
    params: execParam,
    body: KillRequest,
    response: empty,
  },
  execResize: {
    method: 'POST',
    path: '/v1/execs/:exec/resize',
    kind: 'json',
    params: execParam,
    body: ExecResize,
    response: empty,
  },
  /** The client's first message is an ExecSpec; then as execAttach. */
  execRun: { method: 'GET', path: '/v1/pods/:pod/exec', kind: 'websocket', params: podParam },
  execAttach: { method: 'GET', path: '/v1/execs/:exec/attach', kind: 'websocket', params: execParam },
} as const;
