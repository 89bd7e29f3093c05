import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { it } from 'node:test';
import { parseNdjson } from './ndjson.ts';

it('gives each line’s value, cut anywhere, even within a character', async () => {
  const bytes = Buffer.from('{"a":"é"}\n\n[1]\n"last"');
  for (const size of [1, 2, 7, 100]) {
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
      bytes.subarray(at * size, (at + 1) * size),
    );
    assert.deepEqual(await Array.fromAsync(parseNdjson(Readable.from(chunks))), [{ a: 'é' }, [1], 'last']);
  }
});
