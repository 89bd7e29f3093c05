import type { AttachEvent } from '../contract/index.ts';

/** A text message of hyperd's as an event. Checked by hand: zod is not on the CLI's start path. @throws Error when it is none. */
export function parseAttachEvent(message: string): AttachEvent {
  const event: unknown = JSON.parse(message);
  if (typeof event === 'object' && event !== null && 'type' in event) {
    if (event.type === 'started' && 'id' in event) {
      const warnings = 'warnings' in event && Array.isArray(event.warnings) ? event.warnings.map(String) : [];
      return { type: 'started', id: String(event.id), warnings };
    }
    if (event.type === 'taken' && 'bytes' in event && typeof event.bytes === 'number') {
      return { type: 'taken', bytes: event.bytes };
    }
    if (event.type === 'exit' && 'exitCode' in event && typeof event.exitCode === 'number') {
      return { type: 'exit', exitCode: event.exitCode };
    }
    if (event.type === 'error' && 'code' in event && 'message' in event) {
      return { type: 'error', code: String(event.code), message: String(event.message) };
    }
  }
  throw new Error(`an event that is none: ${message.slice(0, 100)}`);
}
