const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** Bytes in docker's words: three digits that count and a decimal unit, `4.27MB`. */
export function showBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : Number(value.toPrecision(3))}${units[unit] ?? 'B'}`;
}

/** How long ago, in docker's words: `3 minutes ago`. @param now in ms since 1970. */
export function showAge(time: string | null, now: number): string {
  const seconds = time === null ? NaN : (now - Date.parse(time)) / 1000;
  if (Number.isNaN(seconds)) return 'N/A';
  if (seconds < 1) return 'Less than a second ago';
  if (seconds < 60) return ago(seconds, 'second');
  if (seconds < 3600) return ago(seconds / 60, 'minute');
  if (seconds < 48 * 3600) return ago(seconds / 3600, 'hour');
  const days = seconds / 86_400;
  if (days < 14) return ago(days, 'day');
  if (days < 60) return ago(days / 7, 'week');
  if (days < 730) return ago(days / 30, 'month');
  return ago(days / 365, 'year');
}

function ago(amount: number, unit: string): string {
  const whole = Math.floor(amount);
  return `${whole} ${unit}${whole === 1 ? '' : 's'} ago`;
}

/** The 12 digits that people know a digest or id by. */
export function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12);
}
