import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { probeHttp, probeTcp } from './network-probe.ts';
import { mostOutputBytes } from './probe-result.ts';

describe('a probe over the network', () => {
  const headers: (string | undefined)[] = [];
  const server = createServer(({ url, headers: { host, 'user-agent': agent, x } }, response) => {
    headers.splice(0, Infinity, host, agent, String(x));
    if (url === '/never') return;
    if (url === '/stream')
      response.write('on and on'); // without an end
    else if (url === '/elsewhere') response.writeHead(302, { location: 'http://192.0.2.1/' }).end();
    else if (url === '/full') response.writeHead(503).end('x'.repeat(100_000));
    else response.writeHead(url === '/ok' ? 204 : 404).end('no such page');
  });
  let port = 0;
  before(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    port = (server.address() as AddressInfo).port;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const never = new AbortController().signal;
  const get = (
    path: string,
    signal = never,
    given: { name: string; value: string }[] = [],
  ): ReturnType<typeof probeHttp> =>
    probeHttp('127.0.0.1', { type: 'http', port, path, https: false, headers: given }, signal);

  it('takes a page of 200 to 399 as success, without following it or waiting for its end', async () => {
    assert.deepEqual(await get('/ok'), { exitCode: 0, output: 'HTTP 204' });
    assert.deepEqual(await get('/elsewhere'), { exitCode: 0, output: 'HTTP 302' });
    assert.deepEqual(await get('/stream'), { exitCode: 0, output: 'HTTP 200' });
  });

  it('says what was answered otherwise, and no more than so much', async () => {
    assert.deepEqual(await get('/nothing'), { exitCode: 1, output: 'HTTP 404: no such page' });
    const { exitCode, output } = await get('/full');
    assert.deepEqual([exitCode, output.length <= mostOutputBytes], [1, true]);
  });

  it('sends the headers that it is given', async () => {
    await get('/ok', never, [
      { name: 'Host', value: 'www.example' },
      { name: 'X', value: '1' },
      { name: 'x', value: '2' },
    ]);
    assert.deepEqual(headers, ['www.example', 'hyper-probe', '1, 2']);
  });

  it('ends when it is told to', async () => {
    assert.equal((await get('/never', AbortSignal.timeout(50))).exitCode, 1);
  });

  it('takes a connection as success, and none as failure', async () => {
    assert.deepEqual(await probeTcp('127.0.0.1', port, never), { exitCode: 0, output: '' });
    const { exitCode, output } = await probeTcp('127.0.0.1', 1, never);
    assert.deepEqual([exitCode, output], [1, 'connect ECONNREFUSED 127.0.0.1:1']);
    assert.equal(
      (await probeHttp('127.0.0.1', { type: 'http', port: 1, path: '/', https: true, headers: [] }, never)).exitCode,
      1,
    );
  });
});
