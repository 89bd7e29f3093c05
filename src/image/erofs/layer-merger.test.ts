import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { byteString, joinBytes, type ByteString } from '../../lib/byte-string.ts';
import { HyperError } from '../../lib/errors.ts';
import type { LayerEntry, LayerEntryKind } from '../layer/index.ts';
import type { Folder } from './image-tree.ts';
import { LayerMerger } from './layer-merger.ts';

function entry(kind: LayerEntryKind, path: string, link = '', uid = 0): LayerEntry {
  return {
    kind,
    path: byteString(path),
    link: byteString(link),
    mode: 0o755,
    uid,
    gid: 0,
    mtimeSeconds: 0,
    mtimeNanoseconds: 0,
    size: 0,
    dataOffset: 0,
    major: 0,
    minor: 0,
    xattrs: [],
  };
}

const file = (path: string, uid = 0): LayerEntry => entry('file', path, '', uid);
const folder = (path: string, uid = 0): LayerEntry => entry('folder', path, '', uid);
const symlink = (path: string, target: string): LayerEntry => entry('symlink', path, target);
const hardlink = (path: string, target: string): LayerEntry => entry('hardlink', path, target);
const whiteout = (path: string): LayerEntry => entry('whiteout', path);
const opaque = (path: string): LayerEntry => entry('opaque', path);

/** Every path with its kind and owner (a mark that tells entries apart), sorted. */
function merge(...layers: LayerEntry[][]): string[] {
  const merger = new LayerMerger();
  for (const [number, entries] of layers.entries()) merger.add(number, entries);
  const lines: string[] = [];
  const visit = (at: Folder, path: readonly ByteString[]): void => {
    for (const [name, { inode }] of at.children) {
      const full = [...path, name];
      lines.push(`${joinBytes(full, '/')} ${inode.attributes.kind} ${inode.attributes.uid}`);
      if (inode.isFolder) visit(inode, full);
    }
  };
  visit(merger.root, []);
  return lines.sort();
}

const isCorrupt = (error: unknown): boolean => error instanceof HyperError && error.code === 'corrupt';

describe('merged layers', () => {
  it('have what the last entry of a name says', () => {
    assert.deepEqual(merge([file('a', 1), file('a', 2)], [file('b', 3)], [file('a', 4)]), ['a file 4', 'b file 3']);
  });

  it('have the folders that an archive left out, owned by root', () => {
    assert.deepEqual(merge([file('a/b/c', 1)]), ['a folder 0', 'a/b folder 0', 'a/b/c file 1']);
  });

  it('keep what is in a folder when a later entry describes it again, whatever the order', () => {
    assert.deepEqual(merge([file('a/b', 1), folder('a', 2)], [folder('a', 3)]), ['a folder 3', 'a/b file 1']);
  });

  it('replace a folder by what is no folder, and the other way round', () => {
    assert.deepEqual(merge([file('a/b')], [file('a', 1)]), ['a file 1']);
    assert.deepEqual(merge([file('a')], [folder('a', 1), file('a/b')]), ['a folder 1', 'a/b file 0']);
    assert.deepEqual(merge([symlink('a', 'b'), folder('b')], [folder('a', 1)]), ['a folder 1', 'b folder 0']);
  });

  it('have no more what a whiteout hides', () => {
    assert.deepEqual(merge([file('a/b'), file('a/c')], [whiteout('a/b')]), ['a folder 0', 'a/c file 0']);
    assert.deepEqual(merge([file('a/b')], [whiteout('a')], [file('a/c')]), ['a folder 0', 'a/c file 0']);
    assert.deepEqual(merge([file('a')], [whiteout('nothing/here')]), ['a file 0']);
  });

  it('keep what the layer of a whiteout brings itself, before or after it', () => {
    for (const upper of [
      [file('a/new', 1), whiteout('a')],
      [whiteout('a'), file('a/new', 1)],
    ]) {
      assert.deepEqual(merge([file('a/old'), folder('a/deep')], upper), ['a folder 0', 'a/new file 1']);
    }
    assert.deepEqual(merge([file('a')], [file('a', 1), whiteout('a')]), ['a file 1']);
  });

  it('have of an opaque folder what its layer brings only', () => {
    for (const upper of [
      [file('a/new', 1), opaque('a')],
      [opaque('a'), file('a/new', 1)],
    ]) {
      assert.deepEqual(merge([file('a/old/x')], upper), ['a folder 0', 'a/new file 1']);
    }
    assert.deepEqual(merge([file('a')], [opaque(''), file('b')]), ['b file 0']);
  });

  it('have one inode for hard links, across layers too, and each name is hidden by itself', () => {
    const merger = new LayerMerger();
    merger.add(0, [file('a', 7), hardlink('b', 'a')]);
    merger.add(1, [hardlink('c', 'b'), whiteout('a'), file('b', 8)]);
    const { children } = merger.root;
    assert.deepEqual([...children.keys()].sort(), ['b', 'c']);
    assert.equal(children.get(byteString('c'))?.inode.attributes.uid, 7);
    assert.equal(children.get(byteString('b'))?.inode.attributes.uid, 8);
  });

  it('hold a hard link to a symlink as one', () => {
    assert.deepEqual(merge([symlink('a', 'nowhere'), hardlink('b', 'a')]), ['a symlink 0', 'b symlink 0']);
  });

  it('follow symlinks in the parents of a name, inside the image only', () => {
    assert.deepEqual(merge([folder('real'), symlink('way', 'real')], [file('way/x', 1)]), [
      'real folder 0',
      'real/x file 1',
      'way symlink 0',
    ]);
    assert.deepEqual(merge([symlink('out', '../../../etc'), file('out/x')]), [
      'etc folder 0',
      'etc/x file 0',
      'out symlink 0',
    ]);
    assert.deepEqual(merge([folder('d'), symlink('d/abs', '/t/./u/..'), file('d/abs/x')]).at(-1), 't/x file 0');
    assert.deepEqual(merge([file('real/x'), symlink('way', 'real')], [whiteout('way/x')]), [
      'real folder 0',
      'way symlink 0',
    ]);
  });

  it('are refused when they make no sense', () => {
    for (const bad of [
      [hardlink('a', 'nothing')],
      [folder('a'), hardlink('b', 'a')],
      [file('a'), file('a/b')],
      [symlink('a', 'b'), symlink('b', 'a'), file('a/x')],
    ]) {
      assert.throws(() => merge(bad), isCorrupt);
    }
  });

  it('may be deeper than the stack of JavaScript', () => {
    const merger = new LayerMerger();
    const deep = 'd/'.repeat(2000);
    merger.add(0, [folder(deep.slice(0, -1)), symlink('s0', deep)]);
    for (let link = 1; link < 20; link++) {
      merger.add(0, [folder(`s${link - 1}/${deep.slice(0, -1)}`), symlink(`s${link}`, `s${link - 1}/${deep}`)]);
    }
    merger.add(1, [file(`s19/x`, 1), whiteout('d')]);
    assert.equal(merger.root.children.size, 21);
  });

  it('are what a simple model says', () => {
    const path = fc
      .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 })
      .map((parts) => parts.join('/'));
    const kind = fc.constantFrom<LayerEntryKind>('file', 'file', 'folder', 'hardlink', 'whiteout', 'opaque');
    const one = fc.tuple(kind, path, path, fc.nat(99)).map(([kind, at, link, uid]) => entry(kind, at, link, uid));
    const layers = fc.array(fc.array(one, { maxLength: 8 }), { maxLength: 4 });
    fc.assert(
      fc.property(layers, (all) => {
        const expected = model(all);
        if (expected === undefined) assert.throws(() => merge(...all), isCorrupt);
        else assert.deepEqual(merge(...all), expected);
      }),
      { numRuns: 5000 },
    );
  });
});

/** The rules again, without a tree: paths and what is at them. Undefined when the layers make no sense. */
function model(layers: readonly (readonly LayerEntry[])[]): string[] | undefined {
  const at = new Map<string, { kind: string; uid: number }>();
  const below = (path: string): string[] => [...at.keys()].filter((each) => each.startsWith(path + '/'));
  const parents = (path: string): string[] => {
    const parts = path.split('/');
    return parts.slice(1).map((_, length) => parts.slice(0, length + 1).join('/'));
  };
  for (const entries of layers) {
    const touched = new Set<string>();
    for (const { kind, path, link, uid } of entries) {
      if (kind === 'whiteout' || kind === 'opaque') {
        const hidden = kind === 'opaque' ? below(path) : [path, ...below(path)];
        for (const each of hidden) if (!touched.has(each)) at.delete(each);
        continue;
      }
      const target = kind === 'hardlink' ? at.get(link) : { kind, uid };
      if (target === undefined || (kind === 'hardlink' && target.kind === 'folder')) return undefined;
      for (const parent of parents(path)) {
        const there = at.get(parent) ?? { kind: 'folder', uid: 0 };
        if (there.kind !== 'folder') return undefined;
        at.set(parent, there);
        touched.add(parent);
      }
      if (kind !== 'folder' || at.get(path)?.kind !== 'folder') for (const each of below(path)) at.delete(each);
      at.set(path, target);
      touched.add(path);
    }
  }
  return Array.from(at, ([path, { kind, uid }]) => `${path} ${kind} ${uid}`).sort();
}
