import { mkdir, stat } from 'node:fs/promises';
import { HyperError, messageOf, systemCode } from '../lib/errors.ts';

/**
 * A folder or file of this host that a pod is to have. `create` makes a folder where nothing is, as docker's `-v` does.
 *
 * @throws HyperError `bad_request` when there is none; `unsupported` for what a VM cannot share.
 */
export async function checkBindSource(path: string, create: boolean): Promise<'folder' | 'file'> {
  try {
    const found = await stat(path);
    if (found.isSocket() || found.isFIFO()) {
      const kind = found.isSocket() ? 'socket' : 'pipe';
      throw new HyperError(
        'unsupported',
        `${path} is a ${kind}: who speaks through one must be on the same kernel, and a pod has its own: use a port instead`,
      );
    }
    return found.isDirectory() ? 'folder' : 'file';
  } catch (error) {
    if (error instanceof HyperError) throw error;
    if (systemCode(error) !== 'ENOENT') {
      throw new HyperError('bad_request', `${path} cannot be mounted: ${messageOf(error)}`, { cause: error });
    }
  }
  if (!create) {
    throw new HyperError(
      'bad_request',
      `invalid mount config for type "bind": bind source path does not exist: ${path}: make it, or use -v, which does`,
    );
  }
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    throw new HyperError('bad_request', `${path} is missing and cannot be made: ${messageOf(error)}`, { cause: error });
  }
  return 'folder';
}
