import { z } from 'zod';
import {
  ImagePruneRequest,
  ImagesPruned,
  Labels,
  LabelsRequest,
  LoginAnswer,
  LoginRequest,
  PodUpdate,
  PruneRequest,
  RenameRequest,
} from './records.ts';
import { DiskUse } from './disk-use.ts';
import { PrunedBytes } from './pruned.ts';
import { empty, podParam } from './route-parts.ts';

/** What changes of what is stored, and what is removed because nobody uses it. */
export const recordRoutes = {
  podRename: {
    method: 'POST',
    path: '/v1/pods/:pod/rename',
    kind: 'json',
    params: podParam,
    body: RenameRequest,
    response: empty,
  },
  podLabels: {
    method: 'POST',
    path: '/v1/pods/:pod/labels',
    kind: 'json',
    params: podParam,
    body: LabelsRequest,
    response: Labels,
  },
  podUpdate: {
    method: 'POST',
    path: '/v1/pods/:pod/update',
    kind: 'json',
    params: podParam,
    body: PodUpdate,
    response: empty,
  },
  podPrune: { method: 'POST', path: '/v1/pods/prune', kind: 'json', body: PruneRequest, response: PrunedBytes },
  imagePrune: {
    method: 'POST',
    path: '/v1/images/prune',
    kind: 'json',
    body: ImagePruneRequest,
    response: ImagesPruned,
  },
  login: { method: 'POST', path: '/v1/login', kind: 'json', body: LoginRequest, response: LoginAnswer },
  diskUsage: { method: 'GET', path: '/v1/disk-usage', kind: 'json', response: z.array(DiskUse) },
} as const;
