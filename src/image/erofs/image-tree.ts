import { byteString, type ByteString } from '../../lib/byte-string.ts';
import type { InodeAttributes } from './inode-attributes.ts';

/** What is not a folder. Hard links are several names of one leaf. */
export interface Leaf {
  readonly isFolder: false;
  readonly attributes: InodeAttributes;
  /** Which layer's data blob holds its content: an index, 0 is the lowest. */
  readonly layer: number;
}

export interface Folder {
  readonly isFolder: true;
  attributes: InodeAttributes;
  readonly children: Map<ByteString, Name>;
}

/** A name in a folder. Not the inode but the name knows what changed it last: hard links are hidden one by one. */
export interface Name {
  readonly inode: Leaf | Folder;
  /** The last layer with an entry for this name or for anything below it: its own whiteouts do not touch what it brought. */
  touched: number;
}

/** A folder that no layer describes: the root of an empty image, a parent that an archive left out. As Docker makes them. */
export function newFolder(attributes: InodeAttributes = plainFolder): Folder {
  return { isFolder: true, attributes, children: new Map() };
}

const plainFolder: InodeAttributes = {
  kind: 'folder',
  link: byteString(''),
  mode: 0o755,
  uid: 0,
  gid: 0,
  mtimeSeconds: 0,
  mtimeNanoseconds: 0,
  size: 0,
  dataOffset: 0,
  major: 0,
  minor: 0,
  xattrs: [],
};
