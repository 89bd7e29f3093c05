import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseChallenges } from './challenge.ts';

const parse = (header: string) =>
  parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

describe('WWW-Authenticate', () => {
  it('is read with its parameters', () => {
    assert.deepEqual(
      parse('Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a:pull,push"'),
      [
        [
          'bearer',
          { realm: 'https://auth.docker.io/token', service: 'registry.docker.io', scope: 'repository:a:pull,push' },
        ],
      ],
    );
  });

  it('may have several challenges, odd spaces, bare values and escapes', () => {
    assert.deepEqual(parse('Negotiate, BASIC Realm = "a \\"b\\"" ,  Bearer realm=x'), [
      ['negotiate', {}],
      ['basic', { realm: 'a "b"' }],
      ['bearer', { realm: 'x' }],
    ]);
  });

  it('never makes the parser fail or hang', () => {
    fc.assert(fc.property(fc.string(), (header) => Array.isArray(parseChallenges(header))));
  });
});
