import { quoteBytes, sliceBytes, type ByteString } from '../../lib/byte-string.ts';
import { HyperError } from '../../lib/errors.ts';
import type { LayerEntry } from '../layer/index.ts';
import { newFolder, type Folder, type Leaf, type Name } from './image-tree.ts';
import type { InodeAttributes } from './inode-attributes.ts';
import { walkTo, type Walk } from './walk-tree.ts';

/**
 * Merges layers, bottom to top, into one tree, by the rules of the OCI image spec (layer.md, "Applying Changesets") and, where
 * it says nothing, as `umoci unpack` does: entries apply in order, so of duplicates the last wins; a layer's whiteouts hide what
 * lower layers have, never what it brings itself; a folder keeps its children when a later entry describes it again, and any
 * other entry replaces what has its name.
 */
export class LayerMerger {
  readonly #root: Folder = newFolder();
  readonly #rootName: Name = { inode: this.#root, touched: -1 };

  get root(): Folder {
    return this.#root;
  }

  /**
   * Applies the entries of one layer; `layer` counts up from 0.
   *
   * @throws HyperError `corrupt` when they do not fit what is there.
   */
  add(layer: number, entries: Iterable<LayerEntry>): void {
    for (const entry of entries) this.#apply(layer, entry);
  }

  #apply(layer: number, entry: LayerEntry): void {
    switch (entry.kind) {
      case 'opaque': {
        const walk = walkTo(this.#rootName, entry.path, 'nothing');
        if (walk !== undefined) hideChildren(walk.folder, layer);
        return;
      }
      case 'whiteout': {
        const { parent, last } = splitLast(entry.path);
        const walk = walkTo(this.#rootName, parent, 'nothing');
        if (walk !== undefined) hide(walk.folder, last, layer);
        return;
      }
      case 'hardlink':
        this.#set(layer, entry.path, this.#target(entry));
        return;
      case 'folder':
        this.#setFolder(layer, entry.path, { ...entry, kind: 'folder' });
        return;
      default:
        this.#set(layer, entry.path, { isFolder: false, attributes: { ...entry, kind: entry.kind }, layer });
    }
  }

  #set(layer: number, path: ByteString, inode: Leaf | Folder): void {
    const { parent, last } = splitLast(path);
    const walk = walkTo(this.#rootName, parent, 'make');
    walk.folder.children.set(last, { inode, touched: layer });
    touch(walk, layer);
  }

  #setFolder(layer: number, path: ByteString, attributes: InodeAttributes): void {
    if (path === '') {
      this.#root.attributes = attributes;
      return;
    }
    const { parent, last } = splitLast(path);
    const walk = walkTo(this.#rootName, parent, 'make');
    const present = walk.folder.children.get(last);
    if (present?.inode.isFolder === true) {
      present.inode.attributes = attributes;
      present.touched = layer;
    } else {
      walk.folder.children.set(last, { inode: newFolder(attributes), touched: layer });
    }
    touch(walk, layer);
  }

  /** What a hard link names: an earlier entry of its layer, or something of a lower one. A symlink itself can be linked to. */
  #target({ path, link }: LayerEntry): Leaf {
    const { parent, last } = splitLast(link);
    const target = walkTo(this.#rootName, parent, 'nothing')?.folder.children.get(last)?.inode;
    if (target === undefined || target.isFolder) {
      const problem = target === undefined ? 'is not there' : 'is a folder';
      throw new HyperError(
        'corrupt',
        `the hard link ${quoteBytes(path)} points to ${quoteBytes(link)}, which ${problem}`,
      );
    }
    return target;
  }
}

function touch(walk: Walk, layer: number): void {
  for (const name of walk.names) name.touched = layer;
}

/** Removes a name of lower layers; of a folder that this layer has touched, all below that it has not. */
function hide(folder: Folder, last: ByteString, layer: number): void {
  const name = folder.children.get(last);
  if (name === undefined) return;
  if (name.touched !== layer) folder.children.delete(last);
  else if (name.inode.isFolder) hideChildren(name.inode, layer);
}

/** With a stack of its own: a tree can be deeper than JavaScript's. */
function hideChildren(top: Folder, layer: number): void {
  const pending = [top];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    for (const [last, name] of folder.children) {
      if (name.touched !== layer) folder.children.delete(last);
      else if (name.inode.isFolder) pending.push(name.inode);
    }
  }
}

function splitLast(path: ByteString): { parent: ByteString; last: ByteString } {
  const slash = path.lastIndexOf('/');
  return { parent: sliceBytes(path, 0, Math.max(slash, 0)), last: sliceBytes(path, slash + 1) };
}
