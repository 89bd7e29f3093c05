import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { tarMaker } from '../../../test/images/index.ts';
import { convertLayer } from './convert-layer.ts';
import { layerFiles } from './converted-layer.ts';
import { LayerIndex } from './layer-index.ts';

const { body, file, header, pax, tar, number } = tarMaker;

/** Pieces far apart, more than an old header holds, with a hole at the end. */
const pieces = Array.from({ length: 40 }, (_, at) => ({ offset: at * 200_000, text: `piece ${at}` }));
const size = 9_000_000;

async function makeSparse(path: string): Promise<void> {
  await using sparse = await open(path, 'w');
  for (const { offset, text } of pieces) await sparse.write(Buffer.alloc(4096, text), 0, 4096, offset);
  await sparse.truncate(size);
}

async function content(archive: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, work: string): Promise<Buffer> {
  const outputDir = join(work, 'layer');
  await convertLayer(archive, { outputDir });
  const index = await LayerIndex.read(layerFiles(outputDir).indexPath);
  const [entry] = [...index.entries()];
  assert.ok(entry);
  const data = await readFile(layerFiles(outputDir).dataPath);
  return data.subarray(entry.dataOffset, entry.dataOffset + entry.size);
}

describe('a sparse file', () => {
  for (const flags of ['--format=gnu', '--sparse-version=0.0', '--sparse-version=0.1', '--sparse-version=1.0']) {
    it(`written by GNU tar with ${flags} comes out whole, and its holes stay holes`, async () => {
      const work = await mkdtemp(join(tmpdir(), 'hyper-sparse-'));
      try {
        await makeSparse(join(work, 'file'));
        const format = flags === '--format=gnu' ? [flags] : ['--format=pax', flags];
        execFileSync('tar', ['-C', work, '--sparse', ...format, '-cf', join(work, 'tar'), 'file']);
        assert.ok(
          (await content(createReadStream(join(work, 'tar')), work)).equals(await readFile(join(work, 'file'))),
        );
        const { blocks } = await stat(layerFiles(join(work, 'layer')).dataPath);
        assert.ok(blocks * 512 < 4_000_000, `${blocks * 512} bytes on disk`);
      } finally {
        await rm(work, { recursive: true, force: true });
      }
    });
  }

  const lying: readonly (readonly [string, Buffer])[] = [
    ['beyond its end', paxSparse('0,3,10,3', 12, 'abcdef')],
    ['backwards', paxSparse('10,3,0,3', 20, 'abcdef')],
    ['that does not add up to its data', paxSparse('0,3', 20, 'abcdef')],
    ['of an odd count', paxSparse('0,3,9', 20, 'abc')],
    ['of something else', paxSparse('0,x', 20, 'abc')],
    ['that never ends', sparse1('9999999\n')],
    ['longer than its entry', sparse1('1\n0\n2000\n')],
    [
      'of overlapping pieces in an old header',
      Buffer.concat([
        header({
          name: 'x',
          type: 'S',
          size: 6,
          format: 'gnu',
          edit: (block) => {
            for (const [at, value] of [0, 3, 2, 3].entries()) number(block, 386 + at * 12, 12, value);
            number(block, 483, 12, 100);
          },
        }),
        body('abcdef'),
      ]),
    ],
  ];
  for (const [what, archive] of lying) {
    it(`with a map ${what} is refused`, async () => {
      const work = await mkdtemp(join(tmpdir(), 'hyper-sparse-'));
      try {
        await assert.rejects(content([tar(archive)], work), { code: 'corrupt' });
      } finally {
        await rm(work, { recursive: true, force: true });
      }
    });
  }
});

function paxSparse(map: string, realSize: number, stored: string): Buffer {
  return Buffer.concat([
    pax([
      ['GNU.sparse.size', String(realSize)],
      ['GNU.sparse.map', map],
    ]),
    file('x', stored),
  ]);
}

function sparse1(map: string): Buffer {
  return Buffer.concat([
    pax([
      ['GNU.sparse.major', '1'],
      ['GNU.sparse.minor', '0'],
      ['GNU.sparse.realsize', '5000'],
    ]),
    file('x', map.padEnd(512, '\0') + 'abc'),
  ]);
}
