import type { ExitEvent } from '../../guest/index.ts';
import { type ErrorCode, HyperError } from '../../lib/errors.ts';
import type { ContainerRecord } from '../../store/index.ts';

/** docs/agent-protocol.md, Tasks: exit codes. */
const codes: Readonly<Partial<Record<number, ErrorCode>>> = {
  2: 'not_found',
  3: 'bad_request',
  4: 'conflict',
  5: 'no_space',
  6: 'bad_request',
};

/** Why a task has failed. `message`: what it wrote of it; it comes from a guest. */
export function taskFailure(
  { exitCode, oomKilled }: Pick<ExitEvent, 'exitCode' | 'oomKilled'>,
  message: string,
  { name, readOnly }: Pick<ContainerRecord, 'name' | 'readOnly'>,
): HyperError {
  const code = codes[exitCode];
  const said = message.replaceAll(/\p{Cc}/gu, '?').trim();
  if (exitCode === 4 && readOnly) {
    return new HyperError('conflict', `container ${name} has a read-only root: copy into one of its volumes (${said})`);
  }
  if (code !== undefined) return new HyperError(code, `container ${name}: ${said}`);
  if (exitCode === 1) return new HyperError('cannot_start', `container ${name}: ${said}`);
  const why = oomKilled ? 'its container has no memory left: raise its limit' : `its copying ended with ${exitCode}`;
  return new HyperError('vm_failed', `container ${name}: ${why}${said === '' ? '' : ` (${said})`}`);
}
