import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { faultOfSchema } from '../../test/support/schema-judge.ts';
import { readPodFile } from './read-pod-file.ts';

const page = readFileSync(new URL('../../docs/pod-files.md', import.meta.url), 'utf8');
const { signal } = new AbortController();

describe('docs/pod-files.md', () => {
  it('has examples that are read as they stand', async () => {
    const examples = [...page.matchAll(/```(?:json|yaml)\n([^]*?)```/g)].map(([, text = '']) => text);
    assert.equal(examples.length, 2);
    for (const text of examples) {
      await readPodFile({ text }, { signal });
      assert.equal(faultOfSchema(parse(text)), undefined);
    }
  });

  it('says what is said of a file that is wrong', async () => {
    const [, file = '', message = ''] =
      /\$ cat web\.json\n(.*)\n\$ hyper pod check web\.json\nhyper: web\.json: (.*)\n/.exec(page) ?? [];
    await assert.rejects(readPodFile({ text: file }, { signal }), { code: 'bad_request', message });
  });
});
