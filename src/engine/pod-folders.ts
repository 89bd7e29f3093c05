import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, systemCode } from '../lib/errors.ts';
import type { PodRecord } from '../store/index.ts';
import type { EngineOptions } from './pod-context.ts';
import { podFolder } from './pod-run.ts';

/** After the id of a pod: the folder of one that is removed, whose record could perhaps not be deleted yet. */
const ofRemoved = '.removed';

type Rooms = Pick<EngineOptions, 'podsDir' | 'store' | 'log'>;

/**
 * Gives back the space of a pod that is removed. Its folder stays, empty and by another name, until `deleteFolder`: a
 * hyperd that dies before the record is deleted, for which a full disk has no room, leaves it for the next one to see.
 */
export async function emptyFolder(podsDir: string, record: Pick<PodRecord, 'id'>): Promise<void> {
  const folder = podFolder(podsDir, record);
  const removed = folder + ofRemoved;
  await rename(folder, removed).catch((error: unknown) => {
    if (systemCode(error) !== 'ENOENT') throw error;
  });
  for (const name of await namesIn(removed)) await rm(join(removed, name), { recursive: true, force: true });
}

/** Its record is deleted. */
export async function deleteFolder(podsDir: string, record: Pick<PodRecord, 'id'>): Promise<void> {
  await rm(podFolder(podsDir, record) + ofRemoved, { recursive: true, force: true });
}

/**
 * At hyperd's start: has each record a folder, and each folder a record. A pod whose removal was not finished is removed,
 * one whose folder somebody has taken away gets an empty one.
 *
 * @returns the records of the pods that are there
 */
export async function settleFolders(
  records: readonly PodRecord[],
  { podsDir, store, log }: Rooms,
): Promise<PodRecord[]> {
  const folders = new Set(await readdir(podsDir));
  const there: PodRecord[] = [];
  for (const record of records) {
    if (folders.has(record.id + ofRemoved)) {
      log.warn({ pod: record.id, name: record.name }, 'removing the record of a pod that was removed on a full disk');
      if (!store.deletePod(record.id)) folders.delete(record.id + ofRemoved); // it is needed until then
      continue;
    }
    there.push(record);
    if (folders.delete(record.id)) continue;
    const fields = { pod: record.id, name: record.name };
    log.warn(fields, 'the folder of a pod is missing, and with it its writable layer and logs: it gets an empty one');
    await mkdir(podFolder(podsDir, record), { mode: 0o711 }).catch((error: unknown) => {
      log.error({ ...fields, error: messageOf(error) }, 'the folder of a pod cannot be made');
    });
  }
  for (const name of folders) {
    log.warn({ pod: name }, 'removing the folder of a pod that is no more');
    await rm(join(podsDir, name), { recursive: true, force: true });
  }
  return there;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}
