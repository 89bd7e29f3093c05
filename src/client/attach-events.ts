import type { AttachEvent, StartTiming } from '../contract/index.ts';

/** A text message of hyperd's as an event. Checked by hand: zod is not on the CLI's start path. @throws Error when it is none. */
export function parseAttachEvent(message: string): AttachEvent {
  const event: unknown = JSON.parse(message);
  if (typeof event === 'object' && event !== null && 'type' in event) {
    if (event.type === 'created' && 'id' in event) return { type: 'created', id: String(event.id) };
    if (event.type === 'started' && 'id' in event) {
      const warnings = 'warnings' in event && Array.isArray(event.warnings) ? event.warnings.map(String) : [];
      const timing = 'timing' in event ? parseTiming(event.timing) : null;
      return { type: 'started', id: String(event.id), warnings, timing };
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

function parseTiming(value: unknown): StartTiming | null {
  if (typeof value !== 'object' || value === null || !('origin' in value && 'steps' in value)) return null;
  const { origin, steps } = value;
  if (origin !== 'pool' && origin !== 'template' && origin !== 'boot') return null;
  const named = (Array.isArray(steps) ? steps : []).flatMap((step: unknown) => {
    if (typeof step !== 'object' || step === null || !('name' in step && 'milliseconds' in step)) return [];
    return [{ name: String(step.name), milliseconds: Number(step.milliseconds) }];
  });
  return { origin, steps: named };
}
