import { accessSync, constants, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** The file that this program is: the bun binary itself, or the script that Node runs. Undefined where it has none. */
export function ownFile(): string | undefined {
  const file = process.versions.bun === undefined ? process.argv[1] : process.execPath;
  return file === undefined ? undefined : realpathSync(file);
}

/** The hyperd that belongs to this CLI: beside it, in its installation's `bin`, else the first on the PATH. */
export function findHyperd(own: string | undefined, path: string | undefined): string | undefined {
  const folders = own === undefined ? [] : [dirname(own)];
  const candidates = [
    ...folders.flatMap((folder) => [
      join(folder, 'hyperd'),
      join(folder, '../bin/hyperd'),
      join(folder, '../../bin/hyperd'), // src/cli/main.ts, in a working copy
    ]),
    ...(path ?? '').split(delimiter).flatMap((folder) => (folder === '' ? [] : [join(folder, 'hyperd')])),
  ];
  return candidates.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
