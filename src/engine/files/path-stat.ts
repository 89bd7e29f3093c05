import { HyperError } from '../../lib/errors.ts';

/** What a path in a container is. */
export interface PathStat {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** As Go's os.FileMode has it, and so Docker's API: the permissions, and bits of Go's own. */
  readonly mode: number;
  /** ISO 8601. */
  readonly mtime: string;
  /** Empty for what is no symlink. */
  readonly linkTarget: string;
}

/** stat(2)'s type of file, in Go's bits. */
const types: Readonly<Partial<Record<number, number>>> = {
  0o04: 0x8000_0000, // a folder
  0o12: 0x0800_0000, // a symlink
  0o06: 0x0400_0000, // a block device
  0o02: 0x0420_0000, // a character device
  0o01: 0x0200_0000, // a FIFO
  0o14: 0x0100_0000, // a socket
};
const bits: readonly (readonly [unix: number, go: number])[] = [
  [0o4000, 0x0080_0000],
  [0o2000, 0x0040_0000],
  [0o1000, 0x0010_0000],
];
/** The most of a head: numbers, and the longest target that Linux has. */
const mostHeadBytes = 128 + 4096;

/**
 * The head of what the tasks `stat` and `pack` write: `mode size seconds length\n` and a symlink's target.
 *
 * @returns undefined where more bytes are needed
 */
export function parseStatHead(bytes: Buffer, name: string): { stat: PathStat; bytes: number } | undefined {
  const end = bytes.indexOf(0x0a);
  if (end < 0) {
    if (bytes.length > mostHeadBytes) throw malformed();
    return undefined;
  }
  const match = /^([0-7]{1,7}) (\d{1,16}) (-?\d{1,12}) (\d{1,4})$/.exec(bytes.toString('latin1', 0, end));
  if (match === null) throw malformed();
  const [, mode = '', size, seconds, length] = match;
  const total = end + 1 + Number(length);
  if (bytes.length < total) return undefined;
  const stat = {
    name,
    size: Number(size),
    mode: goMode(Number.parseInt(mode, 8)),
    mtime: isoTime(Number(seconds)),
    linkTarget: bytes.toString('utf8', end + 1, total),
  };
  return { stat, bytes: total };
}

function goMode(mode: number): number {
  const special = bits.filter(([unix]) => (mode & unix) !== 0).reduce((sum, [, go]) => sum + go, 0);
  return (mode & 0o777) + special + (types[mode >> 12] ?? 0);
}

/** A guest may have any time; ISO 8601 has less. */
function isoTime(seconds: number): string {
  const time = new Date(seconds * 1000);
  return Number.isNaN(time.getTime()) ? new Date(0).toISOString() : time.toISOString();
}

function malformed(): HyperError {
  return new HyperError('vm_failed', 'the guest’s answer makes no sense: see the log of hyperd');
}
