import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { guessSyntax, parseDocuments, type Syntax } from './index.ts';

const { signal } = new AbortController();
const refused = async (text: string, syntax: Syntax, message: RegExp | string): Promise<void> =>
  await assert.rejects(parseDocuments(text, { syntax, version: '1.2', signal }), { code: 'bad_request', message });

describe('JSON that is none', () => {
  const texts: readonly (readonly [text: string, message: string | RegExp])[] = [
    ['{\n  "a": tru\n}', /^the file is no JSON: line 2, column 8: Unexpected token/],
    ['{\n  "a": 1,\n}', /^the file is no JSON: line 3, column 1: /],
    ['{"a" 1}', /^the file is no JSON: line 1, column 6: Expected ':' after property name$/],
    ['{"a": "x', /^the file is no JSON: line 1, column 9: Unterminated string$/],
    ['{"a": 01}', /^the file is no JSON: line 1, column \d: /],
    ['{ "a": 1,\n "a": 2 }', 'the file has a key twice in one object: line 2, column 2'],
    ['', /^the file is no JSON: /],
  ];
  for (const [text, message] of texts) it(`says where: ${text}`, () => refused(text, 'json', message));
});

describe('YAML that is none', () => {
  const texts: readonly (readonly [text: string, message: string | RegExp])[] = [
    ['a: [1\nb: 2', /^the file is no YAML: line 2, column 1: /],
    ['a: 1\na: 2', /^the file is no YAML: line 2, column 1: the map has this key already/],
    ['a: *x', /^the file is no YAML: .*Unresolved alias/],
    ['a: !mine x', /^the file is no YAML: line 1, column 4: Unresolved tag: !mine/],
    ['a:\n\tb: 1', /^the file is no YAML: line 2, column 1: /],
    ['['.repeat(50_000), /^the file is no YAML: /],
  ];
  for (const [text, message] of texts) it(`says where: ${text.slice(0, 20)}`, () => refused(text, 'yaml', message));

  it('is also one that grows without end by its anchors', async () => {
    const levels = Array.from({ length: 30 }, (_, level) =>
      level === 0
        ? 'a0: &a0 [x]'
        : `a${level}: &a${level} [${Array(9)
            .fill(`*a${level - 1}`)
            .join(', ')}]`,
    );
    await refused(levels.join('\n'), 'yaml', /^the file is no YAML: Excessive alias count/);
  });
});

describe('a file without a format', () => {
  it('is JSON when it begins with a brace, else YAML', () => {
    assert.deepEqual([' \n{', 'a: 1', '', '[]'].map(guessSyntax), ['json', 'yaml', 'yaml', 'yaml']);
  });
});

describe('YAML', () => {
  const read = (text: string, version: '1.1' | '1.2') => parseDocuments(text, { syntax: 'yaml', version, signal });

  it('is read by the rules of its version: 0644 is octal in 1.1', async () => {
    assert.deepEqual(await read('a: 0644\nb: yes', '1.2'), [{ a: 644, b: 'yes' }]);
    const old = await read('a: 0644\nb: yes\nc: 2001-12-14', '1.1');
    assert.deepEqual(old, [{ a: 0o644, b: true, c: '2001-12-14' }]);
  });

  it('that is long is read beside the event loop', async () => {
    const keys = Array.from({ length: 20_000 }, (_, index) => `key${index}: ${index}`);
    let turns = 0;
    const ticking = setInterval(() => turns++, 5);
    const [value] = await read(keys.join('\n'), '1.2');
    clearInterval(ticking);
    assert.equal(Object.keys(value as object).length, keys.length);
    assert.ok(turns > 5, `the event loop turned ${turns} times`);
  });

  it('that is long is given up when its caller goes', async () => {
    const leaving = new AbortController();
    const reading = parseDocuments('- a\n'.repeat(200_000), { syntax: 'yaml', version: '1.2', signal: leaving.signal });
    leaving.abort();
    await assert.rejects(reading, { code: 'cancelled' });
  });
});
