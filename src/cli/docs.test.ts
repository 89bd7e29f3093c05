import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

describe('docs/cli.md', () => {
  it('says what the program says: else run node src/cli/docs.ts > docs/cli.md', () => {
    const made = execFileSync(process.execPath, [pathOf('docs.ts')], { encoding: 'utf8' });
    assert.equal(readFileSync(pathOf('../../docs/cli.md'), 'utf8'), made);
  });
});
