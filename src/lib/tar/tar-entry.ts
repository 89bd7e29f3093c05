import type { ByteString } from '../byte-string.ts';

export type TarKind = 'file' | 'folder' | 'symlink' | 'hardlink' | 'character' | 'block' | 'fifo';

/** An extended attribute: its full name (`security.capability`) and its value, both bytes. */
export interface Xattr {
  readonly name: ByteString;
  readonly value: Buffer;
}

/** One entry of a tar with all its headers applied. Names are as they stand in the archive. */
export interface TarEntry {
  readonly kind: TarKind;
  readonly name: ByteString;
  /** Where a link points to; empty for what is no link. */
  readonly linkName: ByteString;
  /** The twelve permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  /** Size of a file, its holes included; 0 for others. */
  readonly size: number;
  readonly major: number;
  readonly minor: number;
  readonly xattrs: readonly Xattr[];
}

/** Who gets the entries: after a file's `entry`, `data` and `hole` add up to its size, in order. */
export interface TarSink {
  entry(entry: TarEntry): void;
  /** Valid during the call only. */
  data(bytes: Buffer): void;
  hole(bytes: number): void;
}

/** What an archive may ask of us: it comes from outside. */
export interface TarLimits {
  readonly entries: number;
  /** Bytes of one extension header: a PAX header or a long name. Go's archive/tar allows as much. */
  readonly extensionBytes: number;
  /** Pieces of one sparse file. */
  readonly sparsePieces: number;
}

export const defaultTarLimits: TarLimits = { entries: 4_000_000, extensionBytes: 1 << 20, sparsePieces: 1 << 20 };
