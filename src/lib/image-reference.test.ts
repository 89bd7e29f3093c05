import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { familiarName, formatReference, parseReference } from './image-reference.ts';

const digest = `sha256:${'ab'.repeat(32)}`;

describe('a reference', () => {
  // Text, full form, short form: as Docker's distribution/reference has them.
  const cases: readonly (readonly [string, string, string])[] = [
    ['ubuntu', 'docker.io/library/ubuntu:latest', 'ubuntu:latest'],
    ['ubuntu:24.04', 'docker.io/library/ubuntu:24.04', 'ubuntu:24.04'],
    ['team/app', 'docker.io/team/app:latest', 'team/app:latest'],
    ['docker.io/ubuntu', 'docker.io/library/ubuntu:latest', 'ubuntu:latest'],
    ['index.docker.io/library/ubuntu', 'docker.io/library/ubuntu:latest', 'ubuntu:latest'],
    ['docker.io/library/a/b', 'docker.io/library/a/b:latest', 'library/a/b:latest'],
    ['localhost/x', 'localhost/x:latest', 'localhost/x:latest'],
    ['localhost:5000/x', 'localhost:5000/x:latest', 'localhost:5000/x:latest'],
    ['[::1]:5000/x:1', '[::1]:5000/x:1', '[::1]:5000/x:1'],
    ['UPPER/x', 'UPPER/x:latest', 'UPPER/x:latest'],
    [`host:5000/a/b:tag@${digest}`, `host:5000/a/b:tag@${digest}`, `host:5000/a/b:tag@${digest}`],
    [`ubuntu@${digest}`, `docker.io/library/ubuntu@${digest}`, `ubuntu@${digest}`],
    ['a__b/c--d.e_f', 'docker.io/a__b/c--d.e_f:latest', 'a__b/c--d.e_f:latest'],
  ];
  for (const [text, full, short] of cases) {
    it(`${text} is ${full}, for short ${short}`, () => {
      assert.equal(formatReference(parseReference(text)), full);
      assert.equal(familiarName(parseReference(text)), short);
    });
  }

  const bad: readonly (readonly [string, RegExp])[] = [
    ['', /it is empty$/],
    ['Ubuntu', /the name must be lower case$/],
    ['a//b', /a part of its name is empty$/],
    ['a/', /a part of its name is empty$/],
    ['/a', /a part of its name is empty$/],
    ['a:', /the tag '' may have/],
    ['a:-x', /the tag '-x' may have/],
    [`a:${'x'.repeat(129)}`, /at most 128/],
    ['a@sha256:short', /after '@' comes a digest/],
    ['a@sha512:' + 'a'.repeat(128), /after '@' comes a digest/],
    ['a b', /'a b' may have a-z/],
    ['a___b', /may have a-z/],
    ['-host.x/a', /'-host\.x' is no host name/],
    ['host:x/a', /'host:x' is no host name/],
    ['a'.repeat(300), /longer than 255/],
    ['ab'.repeat(32), /64 hex digits are an id/],
    ['https://host/a', /'https:' is no host name/],
  ];
  for (const [text, message] of bad) {
    it(`'${text.slice(0, 40)}' is refused in words`, () => {
      assert.throws(() => parseReference(text), { code: 'bad_request', message });
    });
  }

  it('is parsed or refused as bad_request, whatever the text, and both its forms parse back to it', () => {
    const part = fc.stringMatching(/^[a-z0-9]+([._-][a-z0-9]+)*$/);
    const text = fc.oneof(
      fc.string(),
      fc.stringMatching(/^[a-zA-Z0-9./:@_-]*$/),
      fc.tuple(part, part, part).map(([host, name, tag]) => `${host}.x:5000/${name}:${tag}`),
      fc.tuple(part, part).map(([name, tag]) => `${name}/${tag}@${digest}`),
    );
    fc.assert(
      fc.property(text, (input) => {
        let reference;
        try {
          reference = parseReference(input);
        } catch (error) {
          assert.equal(error instanceof Error && 'code' in error && error.code, 'bad_request');
          return;
        }
        assert.deepEqual(parseReference(formatReference(reference)), reference);
        assert.deepEqual(parseReference(familiarName(reference)), reference);
      }),
      { numRuns: 2000 },
    );
  });
});
