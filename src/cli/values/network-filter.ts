import type { Network } from '../../contract/index.ts';
import { hasLabel } from '../../lib/has-label.ts';
import type { FilterKeys } from './filters.ts';

/** The only one that there is: a bridge of this host. */
export const networkDriver = 'bridge';

/** What `network ls --filter` knows. */
export const networkFilters: FilterKeys<Network> = {
  name:
    (value) =>
    ({ name }) =>
      name.includes(value),
  id:
    (value) =>
    ({ id }) =>
      id.startsWith(value),
  label:
    (value) =>
    ({ labels }) =>
      hasLabel(labels, value),
  driver: (value) => () => value === networkDriver,
};
