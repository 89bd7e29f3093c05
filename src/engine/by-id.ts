import { HyperError } from '../lib/errors.ts';

/**
 * The one whose id a text is, or begins; undefined where there is none.
 *
 * @param kind what they are, for several: `templates`
 * @throws HyperError `ambiguous`
 */
export function byId<T extends { readonly id: string }>(all: readonly T[], text: string, kind: string): T | undefined {
  const fits = all.filter(({ id }) => id.startsWith(text));
  if (fits.length > 1) throw new HyperError('ambiguous', `${text} fits ${fits.length} ${kind}: give more of the id`);
  return fits[0];
}
