import type { Event } from '../../contract/index.ts';
import { parseTemplate, unescape } from './template-parse.ts';
import { renderTemplate } from './template-render.ts';

/** `TIME TYPE ACTION ID (name=…, exitCode=…)`, as docker's; or as `--format` wants it. */
export function formatEvent(event: Event, format: string | undefined): string {
  const { time, type, action, id, name, podId, attributes } = event;
  if (format === 'json') return JSON.stringify(event);
  if (format !== undefined) {
    const row = {
      Time: time,
      Type: type,
      Action: action,
      ID: id,
      Name: name,
      Pod: podId ?? '',
      Attributes: attributes,
    };
    return renderTemplate(parseTemplate(unescape(format)), { ...row, Sequence: event.sequence });
  }
  const all = Object.entries({ name, ...(podId === null ? {} : { pod: podId }), ...attributes });
  const shown = all.map(([key, value]) => `${key}=${value.replaceAll(/\s+/g, ' ')}`).join(', ');
  return `${time} ${type} ${action} ${id} (${shown})`;
}
