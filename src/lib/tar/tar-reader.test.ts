import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { tarMaker } from '../../../test/images/index.ts';
import { bytesOf, byteString } from '../byte-string.ts';
import { HyperError } from '../errors.ts';
import { defaultTarLimits, type TarEntry, type TarLimits } from './tar-entry.ts';
import { TarReader } from './tar-reader.ts';

const { body, file, folder, gnuLong, header, link, pax, tar, withSum } = tarMaker;

interface Read extends TarEntry {
  readonly content: Buffer;
}

/** Reads an archive in pieces of `chunkBytes`. */
function read(archive: Buffer, chunkBytes = archive.length, limits: Partial<TarLimits> = {}): Read[] {
  const entries: { entry: TarEntry; parts: Buffer[] }[] = [];
  const reader = new TarReader(
    {
      entry: (entry) => void entries.push({ entry, parts: [] }),
      data: (bytes) => void entries.at(-1)?.parts.push(Buffer.from(bytes)),
      hole: (bytes) => void entries.at(-1)?.parts.push(Buffer.alloc(bytes)),
    },
    { ...defaultTarLimits, ...limits },
  );
  for (let at = 0; at < archive.length; at += chunkBytes) reader.push(archive.subarray(at, at + chunkBytes));
  reader.end();
  return entries.map(({ entry, parts }) => ({ ...entry, content: Buffer.concat(parts) }));
}

/** The first entry of an archive of these pieces. */
function first(...pieces: Buffer[]): Read {
  const [entry] = read(tar(...pieces));
  assert.ok(entry);
  return entry;
}

function refuses(archive: Buffer, limits: Partial<TarLimits> = {}): void {
  assert.throws(
    () => read(archive, archive.length, limits),
    (error) => error instanceof HyperError && error.code === 'corrupt',
  );
}

describe('the tar reader', () => {
  it('joins the ustar prefix, and ignores it in other formats', () => {
    assert.equal(first(file('name', '', { prefix: 'a/b' })).name, 'a/b/name');
    assert.equal(first(file('name', '', { prefix: 'junk', format: 'gnu' })).name, 'name');
    const star = (block: Buffer): void => void block.write('tar\0', 508, 'latin1');
    assert.equal(first(header({ name: 'n', prefix: 'p', edit: star })).name, 'p/n');
  });

  it('reads archives from before ustar, where a folder is a name that ends in a slash', () => {
    const entry = first(header({ name: 'old/', type: '\0', format: 'v7', major: 1 }));
    assert.equal(entry.kind, 'folder');
  });

  it('takes names, numbers and times from PAX', () => {
    const entry = first(
      pax([
        ['path', Buffer.from('caf\xe9', 'latin1')],
        ['uid', '70000'],
        ['gid', '4294967295'],
        ['size', '5'],
        ['mtime', '12.25'],
      ]),
      header({ name: 'x', size: 0 }),
      body('12345'),
    );
    assert.deepEqual(
      [bytesOf(entry.name), entry.uid, entry.gid, entry.mtimeSeconds, entry.mtimeNanoseconds, entry.content.toString()],
      [Buffer.from('caf\xe9', 'latin1'), 70000, 4294967295, 12, 250_000_000, '12345'],
    );
  });

  it('rounds times before 1970 down', () => {
    const { mtimeSeconds, mtimeNanoseconds } = first(pax([['mtime', '-1.5']]), file('x'));
    assert.deepEqual([mtimeSeconds, mtimeNanoseconds], [-2, 500_000_000]);
  });

  it('applies global headers to all that follow, local ones over them, and takes back by an empty value', () => {
    const entries = read(
      tar(
        pax(
          [
            ['uid', '7'],
            ['gid', '8'],
          ],
          'g',
        ),
        file('a'),
        pax([
          ['uid', '9'],
          ['gid', ''],
        ]),
        file('b'),
        file('c'),
      ),
    );
    assert.deepEqual(
      entries.map(({ uid, gid }) => [uid, gid]),
      [
        [7, 8],
        [9, 0],
        [7, 8],
      ],
    );
  });

  it('keeps the bytes of extended attributes, of star and of libarchive', () => {
    const value = Buffer.from([1, 0, 0xff, 0x0a, 0x3d, 0xc3]);
    const { xattrs } = first(
      pax([
        ['SCHILY.xattr.security.capability', value],
        ['SCHILY.xattr.user.both', 'star'],
        ['LIBARCHIVE.xattr.user.both', Buffer.from('libarchive').toString('base64')],
        ['LIBARCHIVE.xattr.user.a%3Db%25', value.toString('base64')],
        ['SCHILY.xattr.user.empty', ''],
        ['SCHILY.xattr.trusted.overlay.opaque', 'y'],
      ]),
      file('x'),
    );
    assert.deepEqual(xattrs, [
      { name: 'security.capability', value },
      { name: 'user.both', value: Buffer.from('star') },
      { name: 'user.a=b%', value },
      { name: 'user.empty', value: Buffer.alloc(0) },
    ]);
  });

  it('knows GNU long names and links', () => {
    const entry = first(gnuLong('L', 'n'.repeat(300)), gnuLong('K', 't'.repeat(400)), link('cut', 'cut', '2'));
    assert.deepEqual([entry.name.length, entry.linkName.length, entry.kind], [300, 400, 'symlink']);
  });

  it('knows base-256 numbers', () => {
    const entry = first(file('x', '', { uid: 3_000_000_000, mtime: -5 }));
    assert.deepEqual([entry.uid, entry.mtimeSeconds], [3_000_000_000, -5]);
  });

  it('reads devices, fifos, and hard links whose size says nothing', () => {
    const entries = read(
      tar(
        header({ name: 'c', type: '3', major: 5, minor: 1 }),
        header({ name: 'b', type: '4', major: 8, minor: 300 }),
        header({ name: 'p', type: '6' }),
        header({ name: 'h', type: '1', linkName: 'c', size: 99 }),
        folder('d/'),
      ),
    );
    assert.deepEqual(
      entries.map(({ kind, major, minor, size }) => [kind, major, minor, size]),
      [
        ['character', 5, 1, 0],
        ['block', 8, 300, 0],
        ['fifo', 0, 0, 0],
        ['hardlink', 0, 0, 0],
        ['folder', 0, 0, 0],
      ],
    );
  });

  it('accepts the sums of signed bytes that old writers made', () => {
    const block = header({ name: Buffer.from('\xe9', 'latin1') });
    const sum = block.reduce(
      (total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte > 127 ? byte - 256 : byte),
      0,
    );
    block.write(sum.toString(8).padStart(6, '0') + '\0 ', 148, 'latin1');
    assert.equal(first(block).name, '\xe9');
  });

  it('ends at two blocks of zeros and ignores what follows, or at the end of the stream', () => {
    assert.equal(read(Buffer.concat([tar(file('a')), file('b'), Buffer.from('rest')])).length, 1);
    assert.equal(read(file('a', 'x')).length, 1);
    assert.equal(read(Buffer.alloc(0)).length, 0);
  });

  it('refuses what is damaged', () => {
    const damaged = header({ name: 'x' });
    damaged[3] = 1;
    refuses(tar(damaged)); // checksum
    refuses(tar(header({ name: 'x', type: 'M' })));
    refuses(file('x', 'content').subarray(0, 600)); // cut in the padding
    refuses(file('x', 'content').subarray(0, 515)); // cut in the content
    refuses(header({ name: 'x' }).subarray(0, 100)); // cut in the header
    refuses(Buffer.concat([file('a'), Buffer.alloc(512), file('b')])); // a lone block of zeros
    refuses(tar(pax([['path', 'x']]))); // nothing after the extension
    refuses(tar(pax([['path', 'a\0b']]), file('x')));
    refuses(tar(header({ name: 'x', type: 'x', size: 5 }), body('9 a=b'), file('x')));
    refuses(tar(withSum(header({ name: 'x', edit: (block) => void block.write('9', 124) }))));
    refuses(tar(pax([['uid', '4294967296']]), file('x')));
    refuses(tar(file('x', '', { uid: -1 })));
  });

  it('keeps within its limits', () => {
    refuses(tar(file('a'), file('b'), file('c')), { entries: 2 });
    refuses(tar(pax([['comment', 'x'.repeat(2000)]]), file('a')), { extensionBytes: 1000 });
    refuses(tar(header({ name: 'L', type: 'L', size: 2 ** 33 })));
    refuses(tar(pax([['SCHILY.xattr.user.big', 'x'.repeat(70_000)]]), file('a')));
    const many = Array.from({ length: 5 }, (_, at) => [`SCHILY.xattr.user.${at}`, 'x'.repeat(60_000)] as const);
    refuses(tar(pax(many), file('a')));
  });

  const name = fc.uint8Array({ min: 1, max: 255, minLength: 1, maxLength: 99 }).map((bytes) => Buffer.from(bytes));
  const entries = fc.array(
    fc.record({
      name,
      content: fc.uint8Array({ maxLength: 1500 }).map((bytes) => Buffer.from(bytes)),
      uid: fc.nat({ max: 0xffff_ffff }),
      mtime: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
      xattr: fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
    }),
    { maxLength: 8 },
  );

  it('gives back what was put in, however the stream is cut', () => {
    fc.assert(
      fc.property(entries, fc.integer({ min: 1, max: 3000 }), (wanted, chunkBytes) => {
        const archive = tar(
          ...wanted.flatMap(({ name, content, uid, mtime, xattr }) => [
            pax([
              ['path', name],
              ['SCHILY.xattr.user.x', xattr],
            ]),
            file('x', content, { uid, mtime }),
          ]),
        );
        const got = read(archive, chunkBytes);
        assert.deepEqual(
          got.map((entry) => [entry.name, entry.content, entry.uid, entry.mtimeSeconds, entry.xattrs[0]?.value]),
          wanted.map((entry) => [byteString(entry.name), entry.content, entry.uid, entry.mtime, entry.xattr]),
        );
      }),
    );
  });

  it('answers any damage with an error of its own or with entries, never otherwise', () => {
    const archive = tar(
      pax([
        ['GNU.sparse.major', '1'],
        ['GNU.sparse.minor', '0'],
        ['GNU.sparse.realsize', '9000'],
      ]),
      file('sparse', '1\n0\n3\n'.padEnd(512, '\0') + 'abc'),
      pax([
        ['GNU.sparse.size', '9'],
        ['GNU.sparse.map', '0,3'],
      ]),
      file('sparse', 'abc'),
      gnuLong('L', 'long'),
      file('x', 'y', { format: 'gnu' }),
    );
    const edits = fc.array(fc.tuple(fc.nat(archive.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(edits, fc.boolean(), (changes, resum) => {
        const bad = Buffer.from(archive);
        for (const [at, byte] of changes) bad[at] = byte;
        if (resum) {
          for (let at = 0; at < bad.length; at += 512) {
            if (bad.toString('latin1', at + 257, at + 262) === 'ustar') withSum(bad.subarray(at, at + 512));
          }
        }
        try {
          read(bad);
        } catch (error) {
          if (!(error instanceof HyperError && error.code === 'corrupt')) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });
});
