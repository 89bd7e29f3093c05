import { HyperError, messageOf } from '../lib/errors.ts';
import { makeFolders } from '../lib/make-folders.ts';

/** Makes a folder of hyperd's own, which an option of its command line names. @throws HyperError `unavailable` */
export async function makeOwn(folder: string, option: string, mode?: number): Promise<void> {
  try {
    await makeFolders(folder, mode);
  } catch (error) {
    const why = `${folder} cannot be made: ${messageOf(error)}`;
    throw new HyperError('unavailable', `${why}: choose another with ${option}`, { cause: error });
  }
}
