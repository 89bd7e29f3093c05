import type { InodeKind, LayerEntry } from '../layer/index.ts';

/** What an inode is, whatever its names. */
export interface InodeAttributes extends Omit<LayerEntry, 'kind' | 'path'> {
  readonly kind: InodeKind;
}
