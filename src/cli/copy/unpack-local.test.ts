import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { tarMaker } from '../../../test/images/index.ts';
import { defaultTarLimits } from '../../lib/tar/tar-entry.ts';
import { TarReader } from '../../lib/tar/tar-reader.ts';
import { UnpackLocal } from './unpack-local.ts';

const { file, folder, header, link, tar } = tarMaker;

/** A destination, and what is beside it and must stay as it is. */
class Place implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), 'hyper-unpack-'));
  readonly folder = join(this.root, 'destination');
  readonly beside = join(this.root, 'beside');

  constructor() {
    mkdirSync(this.folder);
    mkdirSync(this.beside);
    writeFileSync(join(this.beside, 'kept'), 'kept');
  }

  /** What a container has sent as `src`. */
  unpack(...entries: readonly Buffer[]): UnpackLocal {
    const files = new UnpackLocal({ folder: this.folder, from: 'src', to: 'src', owners: false });
    const reader = new TarReader(files, defaultTarLimits);
    try {
      reader.push(tar(...entries));
      reader.end();
      files.finish();
    } finally {
      files.abort();
    }
    return files;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  [Symbol.dispose](): void {
    assert.equal(readFileSync(join(this.beside, 'kept'), 'utf8'), 'kept');
    assert.ok(!existsSync(join(this.beside, 'evil')), 'nothing was written beside the destination');
    rmSync(this.root, { recursive: true });
  }
}

describe('what a container sends', () => {
  it('is unpacked with modes and times, but for set-id bits', () => {
    using place = new Place();
    place.unpack(
      folder('src/', { mode: 0o500, mtime: 1000 }),
      file('src/run', 'text', { mode: 0o4755, mtime: 2000 }),
      link('src/again', 'src/run'),
      link('src/soft', '/etc/passwd', '2'),
      folder('src/all/', { mode: 0o3777 }),
    );
    const { mode, mtimeMs } = statSync(place.path('src/run'));
    assert.deepEqual([mode & 0o7777, mtimeMs], [0o755, 2_000_000]);
    assert.equal(statSync(place.path('src')).mtimeMs, 1_000_000);
    assert.equal(statSync(place.path('src')).mode & 0o7777, 0o500);
    assert.equal(statSync(place.path('src/all')).mode & 0o7777, 0o1777);
    assert.equal(statSync(place.path('src/again')).ino, statSync(place.path('src/run')).ino);
    assert.equal(readlinkSync(place.path('src/soft')), '/etc/passwd');
  });

  it('never leads out of the destination', () => {
    for (const name of ['src/../../beside/evil', '../beside/evil', 'evil', '/src/../evil', '..']) {
      using place = new Place();
      assert.throws(() => place.unpack(folder('src/'), file(name, 'x')), /not what was asked for/, name);
    }
    using place = new Place();
    const through = (target: string): (() => unknown) => {
      return () => place.unpack(folder('src/'), link('src/out', target, '2'), file('src/out/evil', 'x'));
    };
    assert.throws(through(place.beside), /written through/);
    rmSync(place.path('src'), { recursive: true });
    assert.throws(through('../../beside'), /written through/);
    rmSync(place.path('src'), { recursive: true });
    const hard = [folder('src/'), link('src/out', '../../beside', '2'), link('src/mine', 'src/out/kept')];
    assert.throws(() => place.unpack(...hard), /written through/);
    rmSync(place.path('src'), { recursive: true });
    assert.throws(() => place.unpack(folder('src/'), link('src/mine', 'src/../../beside/kept')), /not what was asked/);
  });

  it('replaces a symlink and does not write through it', () => {
    using place = new Place();
    place.unpack(folder('src/'), link('src/file', join(place.beside, 'kept'), '2'), file('src/file', 'mine'));
    assert.equal(readFileSync(place.path('src/file'), 'utf8'), 'mine');
  });

  it('has no device made of it', () => {
    using place = new Place();
    const device = header({ name: 'src/disk', type: '4', major: 8, minor: 0 });
    const files = place.unpack(folder('src/'), device, header({ name: 'src/pipe', type: '6' }), file('src/last', 'x'));
    assert.deepEqual(files.left, ['"src/disk"', '"src/pipe"']);
    assert.ok(!existsSync(place.path('src/disk')) && existsSync(place.path('src/last')));
  });

  it('does not turn a folder into a file, nor a file into a folder', () => {
    using place = new Place();
    place.unpack(folder('src/'), folder('src/a/'), file('src/b', 'x'));
    assert.throws(() => place.unpack(folder('src/'), file('src/a', 'x')), /cannot overwrite directory/);
    assert.throws(() => place.unpack(folder('src/'), folder('src/b/')), /cannot overwrite non-directory/);
  });

  it('leaves no half of a file where it breaks off', () => {
    using place = new Place();
    const files = new UnpackLocal({ folder: place.folder, from: 'src', to: 'src', owners: false });
    const reader = new TarReader(files, defaultTarLimits);
    reader.push(tar(folder('src/'), file('src/whole', 'x'), file('src/half', 'x'.repeat(2000))).subarray(0, 3000));
    assert.ok(existsSync(place.path('src/half')));
    assert.throws(() => reader.end(), /ends in the middle/);
    files.abort();
    assert.ok(!existsSync(place.path('src/half')) && existsSync(place.path('src/whole')));
  });
});
