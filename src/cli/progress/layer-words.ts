import type { ImageProgress } from '../../contract/index.ts';
import { shortId } from '../output/units.ts';

export type LayerProgress = Extract<ImageProgress, { readonly type: 'layer' }>;

/** Docker's words for what happens to a layer. */
const words: Readonly<Record<LayerProgress['status'], string>> = {
  waiting: 'Waiting',
  downloading: 'Downloading',
  retrying: 'Retrying',
  exists: 'Already exists',
  done: 'Pull complete',
};

/** `4c892f00285e: Downloading`. */
export function describeLayer(layer: LayerProgress): string {
  return `${shortId(layer.digest)}: ${words[layer.status]}`;
}

/** Nothing more will happen to it. */
export function isSettled(layer: LayerProgress): boolean {
  return layer.status === 'exists' || layer.status === 'done';
}
