import type { PruneRequest } from '../../contract/index.ts';
import type { Engine } from '../../engine/index.ts';
import { HyperError } from '../../lib/errors.ts';
import type { Handlers } from './route-types.ts';

type RecordRoutes = 'podRename' | 'podLabels' | 'podUpdate' | 'podPrune' | 'imagePrune';

export function recordHandlers({ records, images }: Engine): Pick<Handlers, RecordRoutes> {
  return {
    podRename: async ({ params, body }) => {
      await records.rename(params.pod, body.name);
      return {};
    },
    podLabels: async ({ params, body }) => ({
      labels: { ...(await records.label(params.pod, body.labels, body.overwrite ?? false)) },
    }),
    podUpdate: async ({ params, body }) => {
      await records.update(params.pod, body);
      return {};
    },
    podPrune: async ({ body }) => await records.prune(filterOf(body)),
    imagePrune: async ({ body }) => await images.prune({ ...filterOf(body), all: body.all }),
  };
}

function filterOf({ labels, until }: PruneRequest): { labels: readonly string[] | undefined; until?: number } {
  return { labels, ...(until === undefined ? {} : { until: parseUntil(until) }) };
}

function parseUntil(text: string): number {
  const milliseconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (Number.isFinite(milliseconds)) return milliseconds;
  throw new HyperError('bad_request', `until: ${text} is no time: use ISO 8601 or seconds since 1970`);
}
