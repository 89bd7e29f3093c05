import assert from 'node:assert/strict';
import { it } from 'node:test';
import { routes } from '../contract/index.ts';
import { requestTarget, routePaths } from './route-paths.ts';

it('knows every route of the contract, and no other', () => {
  const contract = Object.entries(routes).map(([name, route]) => [name, `${route.method} ${route.path}`]);
  assert.deepEqual({ ...routePaths }, Object.fromEntries(contract));
});

it('fills a target, escaped, and leaves out what is not given', () => {
  assert.equal(requestTarget('/v1/pods/:pod/logs', { pod: 'a/b?' }, {}), '/v1/pods/a%2Fb%3F/logs');
  assert.equal(
    requestTarget('/v1/images', {}, { reference: 'a:1&', force: true, follow: false, tail: 0, since: undefined }),
    '/v1/images?reference=a%3A1%26&force=1&tail=0',
  );
  assert.throws(() => requestTarget('/v1/pods/:pod', {}, {}));
});
