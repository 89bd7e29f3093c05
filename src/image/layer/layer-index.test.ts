import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { byteString } from '../../lib/byte-string.ts';
import { storedKinds } from './index-format.ts';
import { LayerIndex } from './layer-index.ts';
import { LayerIndexWriter } from './layer-index-writer.ts';
import type { LayerEntry } from './layer-entry.ts';

const bytes = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));
/** Records as literals are, which deepEqual asks for. */
function plainRecord<Fields>(model: { [Field in keyof Fields]: fc.Arbitrary<Fields[Field]> }): fc.Arbitrary<Fields> {
  return fc.record<Fields>(model, { noNullPrototype: true });
}
const id = fc.nat({ max: 0xffff_ffff });
const entry: fc.Arbitrary<LayerEntry> = plainRecord({
  kind: fc.constantFrom(...storedKinds),
  path: bytes(300).map(byteString),
  link: bytes(300).map(byteString),
  mode: fc.nat({ max: 0o7777 }),
  uid: id,
  gid: id,
  mtimeSeconds: fc.maxSafeInteger(),
  mtimeNanoseconds: fc.nat({ max: 999_999_999 }),
  size: fc.maxSafeNat(),
  dataOffset: fc.maxSafeNat(),
  major: id,
  minor: id,
  xattrs: fc.array(plainRecord({ name: bytes(255).map(byteString), value: bytes(65_535) }), { maxLength: 4 }),
});

describe('a layer index', () => {
  let folder = '';
  before(async () => void (folder = await mkdtemp(join(tmpdir(), 'hyper-index-'))));
  after(() => rm(folder, { recursive: true, force: true }));

  function write(entries: readonly LayerEntry[]): string {
    const path = join(folder, 'index');
    using writer = new LayerIndexWriter(path);
    for (const each of entries) writer.add(each);
    writer.finish(8192);
    return path;
  }

  it('gives back what was written, in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 20 }), async (entries) => {
        const index = await LayerIndex.read(write(entries));
        assert.equal(index.dataBytes, 8192);
        assert.deepEqual([...index.entries()], entries);
      }),
    );
  });

  it('holds more than one batch', async () => {
    const [one] = fc.sample(entry, 1);
    assert.ok(one);
    const entries = Array.from({ length: 20_000 }, (_, uid) => ({ ...one, uid, xattrs: [] }));
    const index = await LayerIndex.read(write(entries));
    assert.deepEqual(
      Array.from(index.entries(), ({ uid }) => uid),
      Array.from({ length: 20_000 }, (_, uid) => uid),
    );
  });

  it('refuses to load when any byte is wrong, or when it was never finished', async () => {
    const path = write(fc.sample(entry, 3));
    const sound = await readFile(path);
    for (const at of [0, 8, 12, 40, sound.length - 1]) {
      const damaged = Buffer.from(sound);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      await writeFile(path, damaged);
      await assert.rejects(LayerIndex.read(path), { code: 'corrupt' }, `byte ${at}`);
    }
    await writeFile(path, sound.subarray(0, 10));
    await assert.rejects(LayerIndex.read(path), { code: 'corrupt' });
    new LayerIndexWriter(path)[Symbol.dispose]();
    await assert.rejects(LayerIndex.read(path), { code: 'corrupt' });
  });
});
