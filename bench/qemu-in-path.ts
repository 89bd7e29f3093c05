import { copyFile, mkdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { qemuBinary } from '../src/vm/index.ts';
import { repository } from './repository.ts';

/**
 * From here on `qemu-system-x86_64` is the one that scripts/qemu built, for hyperd, for bare QEMU, and for who asks its version.
 * A copy: QEMU's user may not pass to the clone, and would take the next one in PATH.
 */
export async function putHyperQemuInPath(folder: string): Promise<void> {
  const built = qemuBinary(join(repository, 'guest/build'), 'hyper');
  const place = join(folder, 'qemu');
  await mkdir(place, { mode: 0o711 });
  await copyFile(built, join(place, 'qemu-system-x86_64')).catch((error: unknown) => {
    throw new Error(`there is no ${built}: run scripts/qemu`, { cause: error });
  });
  process.env['PATH'] = `${place}${delimiter}${process.env['PATH'] ?? ''}`;
}
