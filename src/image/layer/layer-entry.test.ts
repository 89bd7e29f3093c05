import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { byteString } from '../../lib/byte-string.ts';
import { layerEntry, type LayerEntry } from './layer-entry.ts';
import type { TarEntry } from '../../lib/tar/tar-entry.ts';

interface Fields {
  readonly name?: string;
  readonly linkName?: string;
  readonly kind?: TarEntry['kind'];
  readonly major?: number;
}

function convert({ name = 'x', linkName = '', kind = 'file', major = 1 }: Fields): LayerEntry | undefined {
  const texts = { name: byteString(name), linkName: byteString(linkName) };
  const rest = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanoseconds: 0, size: 0, minor: 0, xattrs: [] };
  return layerEntry({ ...texts, ...rest, kind, major }, 0);
}

describe('an entry of a layer', () => {
  it('has its name relative to the root, however it is written', () => {
    for (const name of ['a/b', '/a/b', './a//b/', '//a/./b']) assert.equal(convert({ name })?.path, 'a/b');
    for (const name of ['.', '/', './', '']) assert.equal(convert({ name, kind: 'folder' })?.path, '');
  });

  it('is refused when its name leaves its folder, is too long, or makes the root something else', () => {
    for (const name of ['../a', 'a/../b', 'a/..', '/..', 'x'.repeat(256), 'x/'.repeat(2100) + 'x']) {
      assert.throws(() => convert({ name }), { code: 'corrupt' });
    }
    assert.throws(() => convert({ name: './', kind: 'symlink', linkName: 'etc' }), { code: 'corrupt' });
  });

  it('may link to any text by a symlink, but not to nothing', () => {
    assert.equal(convert({ kind: 'symlink', linkName: '../../../etc/passwd' })?.link, '../../../etc/passwd');
    assert.throws(() => convert({ kind: 'symlink' }), { code: 'corrupt' });
  });

  it('may link hard to what is in the image only', () => {
    assert.equal(convert({ kind: 'hardlink', linkName: '/a/../b' })?.link, 'b');
    assert.throws(() => convert({ kind: 'hardlink', linkName: 'a/../../b' }), { code: 'corrupt' });
  });

  it('hides what lies below by a whiteout, and all of a folder by an opaque one', () => {
    const whiteout = convert({ name: 'a/.wh.b' });
    assert.deepEqual([whiteout?.kind, whiteout?.path], ['whiteout', 'a/b']);
    const opaque = convert({ name: 'a/.wh..wh..opq' });
    assert.deepEqual([opaque?.kind, opaque?.path], ['opaque', 'a']);
    for (const name of ['.wh.', 'a/.wh..', '.wh...']) assert.throws(() => convert({ name }), { code: 'corrupt' });
  });

  it('is a whiteout when it is a character device 0/0: the overlay would take it for one', () => {
    assert.equal(convert({ kind: 'character', major: 0 })?.kind, 'whiteout');
    assert.equal(convert({ kind: 'character', major: 1 })?.kind, 'character');
  });

  it('is left out when it is bookkeeping of AUFS', () => {
    for (const name of ['.wh..wh.plnk/1.2', '.wh..wh.aufs', 'a/.wh..wh.orph'])
      assert.equal(convert({ name }), undefined);
  });
});
