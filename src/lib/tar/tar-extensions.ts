import { byteString, type ByteString } from '../byte-string.ts';
import type { Demands } from './byte-feed.ts';
import { damaged } from './damaged.ts';
import { paxValues, type PaxRecord } from './pax-records.ts';
import { paxXattrs } from './pax-xattrs.ts';
import { paxSparseMap, readOldSparseMap, readSparseMap, type SparseMap } from './sparse-map.ts';
import type { TarEntry, TarKind, TarLimits } from './tar-entry.ts';
import { checkId, type TarHeader } from './tar-header.ts';
import { parseDecimal, parsePaxTime } from './tar-number.ts';

/** What came ahead of a header and changes it. */
export interface TarExtensions {
  readonly globals?: readonly PaxRecord[];
  readonly pax?: readonly PaxRecord[];
  readonly longName?: ByteString;
  readonly longLink?: ByteString;
}

/** An entry and how its body lies in the archive. */
export interface TarBody {
  readonly entry: TarEntry;
  /** Bytes of file data that follow. */
  readonly stored: number;
  /** Bytes of no meaning after those, padding excepted. */
  readonly ignored: number;
  readonly sparse?: SparseMap;
}

const kinds: ReadonlyMap<string, TarKind> = new Map([
  ['\0', 'file'],
  ['0', 'file'],
  ['7', 'file'], // contiguous
  ['S', 'file'], // sparse, old GNU
  ['1', 'hardlink'],
  ['2', 'symlink'],
  ['3', 'character'],
  ['4', 'block'],
  ['5', 'folder'],
  ['D', 'folder'], // with a list of names as its body, GNU's incremental dumps
  ['6', 'fifo'],
]);

/** Applies the extensions to a header; reads on where a sparse file's map stands in the body. */
export function* describeTarEntry(
  block: Buffer,
  header: TarHeader,
  extensions: TarExtensions,
  limits: TarLimits,
): Demands<TarBody> {
  const records = [...(extensions.globals ?? []), ...(extensions.pax ?? [])];
  const values = paxValues(records);
  const name = extensions.longName ?? nameOf(values, 'GNU.sparse.name') ?? nameOf(values, 'path') ?? header.name;
  const kind = kindOf(header.type, name);
  const bodyBytes = numberOf(values, 'size') ?? header.size;
  const sparse = kind === 'file' ? yield* sparseMap(block, header, records, values, limits) : undefined;
  // As Go's archive/tar, and so Docker: links, devices and folders have no body whatever their size says.
  const stored = kind === 'file' ? bodyBytes - (sparse?.mapBytes ?? 0) : 0;
  if (stored < 0) throw damaged('a sparse map is longer than its entry');
  const mtime = values.get('mtime')?.toString('latin1');
  const { seconds, nanoseconds } =
    mtime === undefined ? { seconds: header.mtime, nanoseconds: 0 } : parsePaxTime(mtime);
  const device = kind === 'character' || kind === 'block';
  const entry: TarEntry = {
    kind,
    name,
    linkName:
      kind === 'symlink' || kind === 'hardlink'
        ? (extensions.longLink ?? nameOf(values, 'linkpath') ?? header.linkName)
        : byteString(''),
    mode: header.mode,
    uid: checkId(numberOf(values, 'uid') ?? header.uid, name),
    gid: checkId(numberOf(values, 'gid') ?? header.gid, name),
    mtimeSeconds: seconds,
    mtimeNanoseconds: nanoseconds,
    size: kind === 'file' ? (sparse?.size ?? bodyBytes) : 0,
    major: device ? header.major : 0,
    minor: device ? header.minor : 0,
    xattrs: paxXattrs(values),
  };
  const ignored = header.type === 'D' ? Math.ceil(bodyBytes / 512) * 512 : 0;
  return { entry, stored, ignored, ...(sparse === undefined ? {} : { sparse }) };
}

function kindOf(type: string, name: ByteString): TarKind {
  const kind = kinds.get(type);
  if (kind === undefined) throw damaged(`an entry of unknown type ${JSON.stringify(type)}`);
  // Before ustar a folder was a file whose name ends in a slash.
  return type === '\0' && name.endsWith('/') ? 'folder' : kind;
}

function* sparseMap(
  block: Buffer,
  header: TarHeader,
  records: readonly PaxRecord[],
  values: ReadonlyMap<string, Buffer>,
  limits: TarLimits,
): Demands<SparseMap | undefined> {
  if (header.type === 'S') return yield* readOldSparseMap(block, limits.sparsePieces);
  const realSize = values.get('GNU.sparse.realsize');
  if (values.has('GNU.sparse.major') && realSize !== undefined) {
    return yield* readSparseMap(realSize, limits.sparsePieces);
  }
  return paxSparseMap(records, values, limits.sparsePieces);
}

function nameOf(values: ReadonlyMap<string, Buffer>, key: string): ByteString | undefined {
  const value = values.get(key);
  return value === undefined ? undefined : byteString(value);
}

function numberOf(values: ReadonlyMap<string, Buffer>, key: string): number | undefined {
  const value = values.get(key);
  return value === undefined ? undefined : parseDecimal(value.toString('latin1'), `a ${key}`);
}
