import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { SparseFileWriter } from './sparse-file-writer.ts';

describe('the sparse file writer', () => {
  let folder = '';
  before(async () => void (folder = await mkdtemp(join(tmpdir(), 'hyper-sparse-writer-'))));
  after(() => rm(folder, { recursive: true, force: true }));

  it('writes what it is given, whatever the sizes, and zeros where it skips', async () => {
    const step = fc.record({ write: fc.boolean(), bytes: fc.oneof(fc.nat(5000), fc.nat(5 << 20)), fill: fc.nat(2) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), fc.boolean(), async (steps, align) => {
        const path = join(folder, 'file');
        using file = new SparseFileWriter(path);
        const parts: Buffer[] = [];
        for (const { write, bytes, fill } of steps) {
          const part = Buffer.alloc(bytes, write ? fill : 0);
          if (write) file.write(part);
          else file.skip(bytes);
          parts.push(part);
          if (align) {
            file.align(4096);
            parts.push(Buffer.alloc((4096 - (bytes % 4096)) % 4096));
          }
        }
        file.finish();
        const expected = Buffer.concat(parts);
        assert.equal(file.position, expected.length);
        assert.ok((await readFile(path)).equals(expected));
      }),
      { numRuns: 30 },
    );
  });

  it('leaves long runs of zeros as holes', async () => {
    const path = join(folder, 'holes');
    using file = new SparseFileWriter(path);
    file.write(Buffer.from('start'));
    file.write(Buffer.alloc(10 << 20));
    file.skip(2 ** 40);
    file.write(Buffer.from('end'));
    file.finish();
    const { size, blocks } = await stat(path);
    assert.equal(size, 5 + (10 << 20) + 2 ** 40 + 3);
    assert.ok(blocks * 512 < 1 << 20, `${blocks * 512} bytes on disk`);
  });
});
