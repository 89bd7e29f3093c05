import type { ImageRow } from '../output/image-rows.ts';
import { type FilterKeys, parseTruth } from './filters.ts';

/** What `images --filter` knows. */
export const imageFilters: FilterKeys<ImageRow> = {
  dangling: (value, text) => {
    const yes = parseTruth(value, text);
    return ({ Tag }) => (Tag === '<none>') === yes;
  },
  reference: (value) => {
    const pattern = patternOf(value);
    return ({ Repository, Tag }) => pattern.test(Repository) || pattern.test(`${Repository}:${Tag}`);
  },
};

/** As a shell's: `*` and `?` stand for what has no slash. */
function patternOf(text: string): RegExp {
  const escaped = text.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '[^/]*').replaceAll('?', '[^/]')}$`);
}
