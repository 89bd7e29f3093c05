import type { Container, Pod } from '../../contract/index.ts';
import { hasLabel } from '../../lib/has-label.ts';
import { UsageError } from '../usage-error.ts';
import type { FilterKeys } from './filters.ts';

type Listed = Pick<Pod | Container, 'id' | 'name' | 'labels' | 'state' | 'exitCode'>;

/** docker's words for states beside ours. */
const statesOf: Readonly<Record<string, readonly Listed['state'][]>> = {
  created: ['pending'],
  pending: ['pending'],
  running: ['running'],
  paused: ['paused'],
  exited: ['succeeded', 'failed'],
  succeeded: ['succeeded'],
  failed: ['failed'],
};

const ofBoth: FilterKeys<Listed> = {
  id:
    (value) =>
    ({ id }) =>
      id.startsWith(value),
  name:
    (value) =>
    ({ name }) =>
      name.includes(value),
  label:
    (value) =>
    ({ labels }) =>
      hasLabel(labels, value),
  status: (value, text) => {
    const states = Object.hasOwn(statesOf, value) ? statesOf[value] : undefined;
    if (states === undefined) throw new UsageError(`--filter is '${text}': give ${Object.keys(statesOf).join(', ')}`);
    return ({ state }) => states.includes(state);
  },
  exited:
    (value) =>
    ({ state, exitCode }) =>
      ['succeeded', 'failed'].includes(state) && String(exitCode) === value,
};

/** What `list --filter` knows of pods, and of containers. */
export const podFilters: FilterKeys<Pod> = {
  ...ofBoth,
  network:
    (value) =>
    ({ networks }) =>
      networks.some(({ network }) => network === value),
};
export const containerFilters: FilterKeys<Container> = ofBoth;
