/** What a figure is to come to: `reach` is asked for, `aim` is hoped for. */
export interface Limits {
  readonly reach?: number;
  readonly aim?: number;
}

export type Verdict = 'aim' | 'reached' | 'missed';

/** Null where nothing was asked for. */
export function verdictOf(value: number, { reach, aim }: Limits, better: 'less' | 'more'): Verdict | null {
  const meets = (limit: number): boolean => (better === 'less' ? value <= limit : value >= limit);
  if (reach === undefined) return null;
  if (aim !== undefined && meets(aim)) return 'aim';
  return meets(reach) ? 'reached' : 'missed';
}
