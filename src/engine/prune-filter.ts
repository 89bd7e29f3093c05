import { hasLabel } from '../lib/has-label.ts';

/** Which of what nobody uses: what fits all that is given. */
export interface PruneFilter {
  /** `NAME` or `NAME=VALUE`. */
  readonly labels?: readonly string[] | undefined;
  /** Milliseconds since 1970: made before. */
  readonly until?: number | undefined;
}

/** @param createdAt ISO 8601; null: not known, and so never before anything */
export function fits(
  { labels: wanted = [], until }: PruneFilter,
  labels: Readonly<Record<string, string>>,
  createdAt: string | null,
): boolean {
  const isOld = until === undefined || (createdAt !== null && Date.parse(createdAt) < until);
  return isOld && wanted.every((label) => hasLabel(labels, label));
}
