import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { HyperError, messageOf, systemCode } from '../lib/errors.ts';
import { makeFolders } from '../lib/make-folders.ts';

/** What of this host is mounted; of a socket, who may connect. */
export type BindSource =
  | { readonly kind: 'folder' | 'file' }
  | { readonly kind: 'socket'; readonly access: { readonly mode: number; readonly uid: number; readonly gid: number } };

/**
 * A folder, file or socket of this host that a pod is to have. `create` makes a folder where nothing is, as docker's `-v`
 * does; but where a socket is meant, by its name, a folder would only be in its way.
 *
 * @throws HyperError `bad_request` when there is none; `unsupported` for what a VM cannot share.
 */
export async function checkBindSource(path: string, create: boolean): Promise<BindSource> {
  const found = await statOf(path);
  if (found !== undefined) return sourceOf(path, found);
  if (create && path.endsWith('.sock')) {
    throw new HyperError('bad_request', `there is no socket at ${path}: start what listens there, then run the pod`);
  }
  if (!create) {
    throw new HyperError(
      'bad_request',
      `invalid mount config for type "bind": bind source path does not exist: ${path}: make it first (of 'hyper run', -v does so itself)`,
    );
  }
  try {
    await makeFolders(path);
  } catch (error) {
    throw new HyperError('bad_request', `${path} is missing and cannot be made: ${messageOf(error)}`, { cause: error });
  }
  return { kind: 'folder' };
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw new HyperError('bad_request', `${path} cannot be mounted: ${messageOf(error)}`, { cause: error });
  }
}

function sourceOf(path: string, found: Stats): BindSource {
  if (found.isDirectory()) return { kind: 'folder' };
  if (found.isFile()) return { kind: 'file' };
  if (found.isSocket()) {
    return { kind: 'socket', access: { mode: found.mode & 0o777, uid: found.uid, gid: found.gid } };
  }
  if (found.isFIFO()) {
    throw new HyperError(
      'unsupported',
      `${path} is a pipe: who speaks through one must be on the same kernel, and a pod has its own: use a socket or a port instead`,
    );
  }
  throw new HyperError(
    'unsupported',
    `${path} is a device: it is this host's kernel's, and a pod has its own: a pod gets folders, files, sockets and volumes`,
  );
}
