import type { Event } from '../../contract/index.ts';
import { formatReference, parseReference } from '../../lib/image-reference.ts';
import { UsageError } from '../usage-error.ts';

const keys = ['type', 'event', 'pod', 'container', 'image', 'network', 'volume', 'health'] as const;
type Key = (typeof keys)[number];

/** `KEY=VALUE`: all of the kinds, of a kind that may be repeated any. A pod is also that of a container's event. */
export function parseEventFilters(texts: readonly string[]): (event: Event) => boolean {
  const wanted = new Map<Key, string[]>();
  for (const text of texts) {
    const [name = ''] = text.split('=', 1);
    const value = text.slice(name.length + 1);
    const key = keys.find((each) => each === name);
    if (key === undefined || value === '') {
      throw new UsageError(`--filter is '${text}': give KEY=VALUE, of ${keys.join(', ')}`);
    }
    wanted.set(key, [...(wanted.get(key) ?? []), value]);
  }
  return (event) => [...wanted].every(([key, values]) => values.some((value) => fits(event, key, value)));
}

function fits({ type, action, id, name, podId, attributes }: Event, key: Key, value: string): boolean {
  if (key === 'type') return type === value;
  if (key === 'event') return action === value;
  if (key === 'health') return attributes['health'] === value;
  if (key === 'image' && isSameImage(value, type === 'image' ? name : attributes['image'])) return true;
  if (key === 'network' && attributes['network'] === value) return true;
  if (key === 'pod' && podId !== null && (podId.startsWith(value) || attributes['podName'] === value)) return true;
  return type === key && (name === value || id.startsWith(value));
}

/** Whether both are the same reference, `busybox` as `docker.io/library/busybox:latest`. */
function isSameImage(wanted: string, name: string | undefined): boolean {
  if (name === undefined) return false;
  try {
    return formatReference(parseReference(wanted)) === formatReference(parseReference(name));
  } catch {
    return false; // a part of an id
  }
}
