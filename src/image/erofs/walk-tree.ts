import { quoteBytes, splitPath, type ByteString } from '../../lib/byte-string.ts';
import { HyperError } from '../../lib/errors.ts';
import { newFolder, type Folder, type Name } from './image-tree.ts';

/** Linux follows as many symbolic links on one path. */
const linkLimit = 40;

/** The names from the root to a folder, both included. */
export interface Walk {
  readonly names: readonly Name[];
  readonly folder: Folder;
}

/**
 * Finds the folder at `path` as a process whose root is the image would: symbolic links are followed and cannot lead out
 * (`..` at the root is the root). So an entry below a link lands in what the link points to, inside the image, as with
 * umoci and Docker.
 *
 * @param missing what to do about a folder that is not there: `make` it (empty, owned by root), or find nothing
 * @throws HyperError `corrupt` when the path leads through a file or in circles.
 */
export function walkTo(root: Name, path: ByteString, missing: 'make'): Walk;
export function walkTo(root: Name, path: ByteString, missing: 'nothing'): Walk | undefined;
export function walkTo(root: Name, path: ByteString, missing: 'make' | 'nothing'): Walk | undefined {
  const names: Name[] = [root];
  const folders: Folder[] = [folderOf(root, path)];
  const ahead = splitPath(path).reverse();
  let links = 0;
  for (let component = ahead.pop(); component !== undefined; component = ahead.pop()) {
    if (component === '' || component === '.') continue;
    if (component === '..') {
      if (names.length > 1) {
        names.pop();
        folders.pop();
      }
      continue;
    }
    const folder = folders.at(-1) ?? folderOf(root, path);
    let name = folder.children.get(component);
    if (name === undefined) {
      if (missing === 'nothing') return undefined;
      name = { inode: newFolder(), touched: -1 };
      folder.children.set(component, name);
    }
    if (!name.inode.isFolder && name.inode.attributes.kind === 'symlink') {
      if (++links > linkLimit) throw new HyperError('corrupt', `symbolic links run in circles at ${quoteBytes(path)}`);
      const target = name.inode.attributes.link;
      if (target.startsWith('/')) {
        names.length = 1;
        folders.length = 1;
      }
      ahead.push(...splitPath(target).reverse());
      continue;
    }
    if (!name.inode.isFolder && missing === 'nothing') return undefined;
    folders.push(folderOf(name, path));
    names.push(name);
  }
  return { names, folder: folders.at(-1) ?? folderOf(root, path) };
}

function folderOf(name: Name, path: ByteString): Folder {
  if (name.inode.isFolder) return name.inode;
  throw new HyperError('corrupt', `a layer puts ${quoteBytes(path)} below something that is not a folder`);
}
