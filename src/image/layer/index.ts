/** Layers: what a registry sends becomes a data blob and an index. */
export { LayerConverter, type LayerConverterOptions } from './layer-converter.ts';
export { convertLayer, type ConvertLayerOptions } from './convert-layer.ts';
export { commitLayer, layerFiles, type ConvertedLayer, type LayerFiles } from './converted-layer.ts';
export { LayerIndex } from './layer-index.ts';
export type { InodeKind, LayerEntry, LayerEntryKind } from './layer-entry.ts';
export type { Xattr } from '../../lib/tar/tar-entry.ts';
