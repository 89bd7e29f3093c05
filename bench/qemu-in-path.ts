import { access, mkdir, symlink } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { qemuBinary } from '../src/vm/index.ts';
import { repository } from './repository.ts';

/** From here on `qemu-system-x86_64` is the one that scripts/qemu built, for hyperd, for bare QEMU, and for who asks its version. */
export async function putHyperQemuInPath(folder: string): Promise<void> {
  const built = qemuBinary(join(repository, 'guest/build'), 'hyper');
  await access(built).catch(() => {
    throw new Error(`there is no ${built}: run scripts/qemu`);
  });
  const place = join(folder, 'qemu');
  await mkdir(place, { mode: 0o711 });
  await symlink(built, join(place, 'qemu-system-x86_64'));
  process.env['PATH'] = `${place}${delimiter}${process.env['PATH'] ?? ''}`;
}
