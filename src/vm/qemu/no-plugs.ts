import { HyperError, messageOf } from '../../lib/errors.ts';
import { plugBus } from './arguments.ts';

const needs = {
  folders: { what: 'folders of this host and volumes', instead: 'leave -v and --mount out' },
  nics: { what: 'further NICs', instead: 'give the pod one network from its start' },
} as const;

/** Of a machine without PCI. */
export function noPlugs(need: keyof typeof needs, cause?: unknown): HyperError {
  const { what, instead } = needs[need];
  const message = `a microvm has no port for ${what}: set "machine" to "q35" in the config, or ${instead}`;
  return new HyperError('unsupported', message, { cause });
}

/** Whether QEMU says that it has nothing to plug devices into. */
export function isWithoutPlugs(error: unknown): boolean {
  return messageOf(error).includes(`Bus '${plugBus}' not found`);
}
