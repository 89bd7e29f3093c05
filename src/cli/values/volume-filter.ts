import type { Volume } from '../../contract/index.ts';
import { hasLabel } from '../../lib/has-label.ts';
import { type FilterKeys, parseTruth } from './filters.ts';

/** What `volume ls --filter` knows. */
export const volumeFilters: FilterKeys<Volume> = {
  name:
    (value) =>
    ({ name }) =>
      name.includes(value),
  driver:
    (value) =>
    ({ driver }) =>
      driver === value,
  label:
    (value) =>
    ({ labels }) =>
      hasLabel(labels, value),
  dangling: (value, text) => {
    const yes = parseTruth(value, text);
    return ({ pods }) => (pods.length === 0) === yes;
  },
};
