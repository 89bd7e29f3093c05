import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sparseFile } from './sparse-entry.ts';
import { file, folder, gnuLong, header, link, pax, tar } from './tar-maker.ts';

/** A capability (CAP_NET_RAW, effective), as `setcap cap_net_raw+ep` stores it: not UTF-8. */
export const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
/** An access ACL: owner rw, user 1000 r, group r, mask rwx, others none. */
const acl = Buffer.from(
  '0200000001000600ffffffff02000400e803000004000400ffffffff10000700ffffffff20000000ffffffff',
  'hex',
);

/** With a hole before, between and behind its pieces, which are whole blocks, as GNU tar cuts them. */
const sparsePieces = Array.from({ length: 30 }, (_, at) => ({
  offset: (10 + at * 60) * 512,
  content: `piece ${at} `.padEnd(512 * (1 + (at % 5)), `${at} `),
}));
/** Not the old GNU format, which umoci refuses: sparse-map.test.ts reads that as GNU tar writes it. */
const sparseFormats = ['0.0', '0.1', '1.0'] as const;

const long = (length: number, tail: string): string => `long/${'n'.repeat(length)}${tail}`;

/** Folders that no entry describes, and those they were made in: with umoci their times are of the moment of unpacking. */
export const missingParents = ['.', 'long', `long/${'p'.repeat(60)}`, 'no', 'no/parents', 'real', 'real/made'];

/** Two layers with everything that a layer may hold, as tars in `folderPath`; bottom first. */
export async function oddTars(folderPath: string): Promise<string[]> {
  const paths = [join(folderPath, 'odd-1.tar'), join(folderPath, 'odd-2.tar')] as const;
  await writeFile(paths[0], lower());
  await writeFile(paths[1], upper());
  return [...paths];
}

function lower(): Buffer {
  const many = Array.from({ length: 1500 }, (_, at) =>
    file(`many/${String(at).padStart(4, '0')}-${'x'.repeat(at % 90)}`),
  );
  return tar(
    folder('./', { mtime: 1_600_000_000 }),
    file('/absolute', 'taken relative to the root'),
    file('empty'),
    file('block', Buffer.alloc(4096, 'b')),
    file('big', Buffer.alloc(3_000_001, 'big content ')),
    file('zeros', Buffer.alloc(1_000_000)),
    folder('sparse'),
    ...sparseFormats.map((format) => sparseFile(`sparse/${format}`, format, sparsePieces, 1_000_000)),
    ...sparseFormats.map((format) => sparseFile(`sparse/hole-${format}`, format, [], 70_000)),
    file('sparse/after', 'what follows is read from where it begins'),
    pax([
      ['mtime', '1500000000.123456789'],
      ['uid', '70000'],
      ['gid', '4000000000'],
    ]),
    file('nanoseconds', 'n'),
    pax([['mtime', '-1.5']]),
    file('before-1970', 'b'),
    file('base-256', 'ids', { uid: 3_000_000_000, gid: 2_200_000, mtime: 5_000_000_000 }),
    folder('modes', { mode: 0o1777 }),
    file('modes/suid', 's', { mode: 0o6755, uid: 1, gid: 2 }),
    folder('long'),
    pax([['path', long(150, '.pax')]]),
    file('cut', 'pax name'),
    gnuLong('L', long(180, '.gnu')),
    file('cut', 'gnu name', { format: 'gnu' }),
    header({ name: 'prefixed', prefix: `long/${'p'.repeat(60)}`, size: 0 }),
    gnuLong('K', '/'.padEnd(1000, 'target/')),
    link('long-link', 'cut', '2'),
    pax([['linkpath', 'x'.repeat(4000)]]),
    link('longest-link', 'cut', '2'),
    file(Buffer.from('latin1-\xe9\xff', 'latin1'), 'not UTF-8'),
    file('utf-8-é-☃', 'UTF-8'),
    file('!before-dot', ''),
    file('new\nline', ''),
    link(Buffer.from('link-\xfe', 'latin1'), Buffer.from('latin1-\xe9\xff', 'latin1'), '2'),
    pax([['SCHILY.xattr.security.capability', capability]]),
    file('capable', 'elf', { mode: 0o755 }),
    pax([
      ['SCHILY.xattr.system.posix_acl_access', acl],
      ['SCHILY.xattr.user.note', 'n'.repeat(1000)],
    ]),
    file('with-acl', 'acl', { mode: 0o670 }),
    pax([['SCHILY.xattr.trusted.thing', 'kept']]),
    folder('xattr-folder'),
    folder('dev'),
    header({ name: 'dev/console', type: '3', major: 5, minor: 1, mode: 0o600 }),
    header({ name: 'dev/disk', type: '4', major: 259, minor: 70000, mode: 0o660, gid: 6 }),
    header({ name: 'dev/pipe', type: '6', mode: 0o622 }),
    folder('hard'),
    file('hard/a', 'one of three'),
    link('hard/b', 'hard/a'),
    link('hard/c', './hard/../hard/b'),
    file('no/parents/here', 'deep'),
    file('twice', 'first'),
    file('twice', 'the last wins'),
    folder('real'),
    link('way', 'real', '2'),
    file('way/through', 'lands in real'),
    folder('hidden'),
    file('hidden/a', 'a'),
    file('hidden/b', 'b'),
    folder('opaque'),
    file('opaque/old', 'o'),
    folder('opaque/deep'),
    file('opaque/deep/old', 'o'),
    file('becomes-folder', 'f'),
    folder('becomes-file'),
    file('becomes-file/x', 'x'),
    folder('stays', { mode: 0o700 }),
    file('stays/child', 'c'),
    folder('many'),
    ...many,
  );
}

function upper(): Buffer {
  return tar(
    file('hidden/.wh.a'),
    file('opaque/new', 'n'),
    file('opaque/.wh..wh..opq'),
    file('.wh.absolute'),
    file('.wh.never-was'),
    file('many/.wh.0007-xxxxxxx'),
    folder('becomes-folder'),
    file('becomes-folder/in', 'in'),
    file('becomes-file', 'file'),
    folder('stays', { mode: 0o711, uid: 5 }),
    link('hard/across', 'hard/c'),
    file('hard/.wh.a'),
    file('way/made/up', 'below a lower link'),
    file('empty', 'no longer'),
  );
}
