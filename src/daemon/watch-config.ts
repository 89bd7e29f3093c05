import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { type Config, readConfig } from './config.ts';

/** Editors write in several steps: the file is read when they have come to rest. */
const settleMs = 100;

/**
 * Reads the configuration again whenever its file is written or replaced. Where its folder is not there,
 * nothing is watched. Answers with what ends it.
 */
export function watchConfig(path: string, log: Log, onChange: (settings: Config) => Promise<void>): () => void {
  let timer: NodeJS.Timeout | undefined;
  let watcher: FSWatcher | undefined;
  const read = async (): Promise<void> => {
    try {
      await onChange(await readConfig(path));
    } catch (error) {
      log.warn({ config: path, error: messageOf(error) }, 'the changed configuration is not used');
    }
  };
  try {
    watcher = watch(dirname(path), (_event, name) => {
      if (name !== basename(path)) return;
      clearTimeout(timer);
      timer = setTimeout(() => void read(), settleMs);
    });
    watcher.on('error', (error) => log.warn({ config: path, error: messageOf(error) }, 'changes are not noticed'));
  } catch (error) {
    log.debug({ config: path, error: messageOf(error) }, 'the configuration is not watched');
  }
  return () => {
    clearTimeout(timer);
    watcher?.close();
  };
}
