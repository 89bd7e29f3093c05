import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { routes } from '../src/contract/index.ts';
import { TestHyperd } from './support/hyperd.ts';

describe('hyperd’s API', () => {
  let hyperd: TestHyperd;
  before(async () => {
    hyperd = await TestHyperd.start();
  });
  after(async () => await hyperd[Symbol.asyncDispose]());

  const typed = { 'content-type': 'application/json' };
  const call = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = body === undefined ? {} : typed,
  ): Promise<{ status: number; body: unknown }> => {
    const asked = request({ socketPath: hyperd.socket, method, path, headers });
    asked.end(body === undefined ? undefined : JSON.stringify(body));
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of answer) text += String(chunk);
    return { status: answer.statusCode ?? 0, body: JSON.parse(text) };
  };

  it('describes every route in /openapi.json, with parameters that its path has', async () => {
    const { status, body } = await call('GET', '/openapi.json');
    assert.equal(status, 200);
    const document = body as {
      openapi: string;
      info: { title: string; version: string };
      paths: Record<
        string,
        Record<
          string,
          {
            operationId: string;
            parameters?: { name: string; in: string; required: boolean; schema: object }[];
            requestBody?: { content: Record<string, { schema: object }> };
            responses: Record<string, { description: string }>;
          }
        >
      >;
    };
    assert.match(document.openapi, /^3\.1\./);
    assert.ok(document.info.title !== '' && document.info.version !== '');
    const found = new Set<string>();
    for (const [path, operations] of Object.entries(document.paths)) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      for (const [method, operation] of Object.entries(operations)) {
        assert.ok(!found.has(operation.operationId), operation.operationId);
        found.add(operation.operationId);
        const route = Object.entries(routes).find(([name]) => name === operation.operationId)?.[1];
        assert.equal(`${method.toUpperCase()} ${path}`, `${route?.method} ${route?.path.replace(/:(\w+)/g, '{$1}')}`);
        const parameters = operation.parameters ?? [];
        const named = parameters.filter((parameter) => parameter.in === 'path');
        assert.deepEqual(
          named.map(({ name }) => name),
          inPath,
        );
        assert.ok(named.every(({ required }) => required));
        assert.ok(Object.values(operation.responses).every(({ description }) => description !== ''));
        const declared = route !== undefined && ('body' in route || 'upload' in route);
        assert.equal(operation.requestBody !== undefined, declared, `the body of ${operation.operationId}`);
      }
    }
    assert.deepEqual([...found].sort(), Object.keys(routes).sort());
    // Each $ref leads somewhere.
    for (const [, pointer = ''] of JSON.stringify(document).matchAll(/"\$ref":"#([^"]*)"/g)) {
      let at: unknown = document;
      for (const key of pointer.split('/').slice(1)) at = (at as Record<string, unknown>)[key];
      assert.notEqual(at, undefined, pointer);
    }
  });

  it('refuses unknown fields wherever they are, by their path', async () => {
    const container = { image: 'busybox' };
    const wrong: readonly (readonly [object, RegExp])[] = [
      [{ containers: [container], unknown: 1 }, /unknown/],
      [{ containers: [{ ...container, unknown: 1 }] }, /containers\.0\b.*unknown|containers\.0\.unknown/],
      [
        { containers: [{ ...container, tmpfs: [{ path: '/x', options: '', unknown: 1 }] }] },
        /containers\.0\.tmpfs\.0.*unknown/,
      ],
      [
        { containers: [{ ...container, ulimits: [{ name: 'core', soft: 1, hard: 1, unknown: 1 }] }] },
        /containers\.0\.ulimits\.0.*unknown/,
      ],
      [
        { containers: [{ ...container, terminalSize: { rows: 1, cols: 1, unknown: 1 } }] },
        /containers\.0\.terminalSize.*unknown/,
      ],
      [{ containers: [{ ...container, tty: 'yes' }] }, /containers\.0\.tty/],
      [{ containers: [] }, /containers/],
      [{}, /containers/],
      [{ containers: [container], vcpus: 0 }, /vcpus/],
      [{ containers: [{ ...container, env: ['=x'] }] }, /containers\.0\.env\.0: must be NAME=VALUE/],
    ];
    for (const [spec, words] of wrong) {
      const { status, body } = await call('POST', '/v1/pods', spec);
      const { code, message } = body as { code: string; message: string };
      assert.deepEqual([status, code], [400, 'bad_request'], JSON.stringify(spec));
      assert.match(message, words);
    }
    assert.deepEqual(await hyperd.client.podList(), []);
  });

  it('takes calls that name a content type for a body that they do not have', async () => {
    const created = await call('POST', '/v1/pods', { name: 'typed', containers: [{ image: 'busybox' }] });
    assert.equal(created.status, 200);
    const got = await call('GET', '/v1/pods/typed', undefined, typed);
    assert.equal(got.status, 200);
    for (const headers of [typed, { ...typed, 'content-length': '0' }]) {
      // It is understood, and refused: the pod does not run.
      const { status, body } = await call('POST', '/v1/pods/typed/kill', undefined, headers);
      assert.deepEqual([status, (body as { code: string }).code], [409, 'conflict']);
    }
    assert.deepEqual(await call('DELETE', '/v1/pods/typed', undefined, typed), { status: 200, body: {} });
  });

  it('says what there is not', async () => {
    assert.partialDeepStrictEqual(await call('GET', '/v1/nothing'), { status: 404, body: { code: 'not_found' } });
    assert.partialDeepStrictEqual(await call('GET', '/v1/pods/none'), { status: 404, body: { code: 'not_found' } });
    assert.partialDeepStrictEqual(await call('POST', '/v1/pods/none/start'), {
      status: 404,
      body: { code: 'not_found' },
    });
  });

  it('outlives clients that ask for a WebSocket that there is not, and leave', async () => {
    const head = 'Host: hyperd\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
    for (let count = 0; count < 50; count += 1) {
      const client = connect(hyperd.socket);
      client.on('error', () => client.destroy());
      client.write(`GET /v1/pods/none/attach HTTP/1.1\r\n${head}\r\n`, () => client.destroy());
      await once(client, 'close');
    }
    assert.equal((await call('GET', '/v1/pods/none')).status, 404);
  });

  it('ends also while a client is attached that neither reads nor leaves', { timeout: 60_000 }, async () => {
    assert.equal((await hyperd.hyper(['run', '-d', '--name', 'held', 'busybox', 'sleep', '1000'])).code, 0);
    const client = connect(hyperd.socket);
    client.on('error', () => client.destroy());
    const head = 'Host: hyperd\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n';
    client.write(`GET /v1/pods/held/attach HTTP/1.1\r\n${head}Sec-WebSocket-Key: ${'a'.repeat(22)}==\r\n\r\n`);
    const [answer] = (await once(client, 'data')) as [Buffer];
    assert.match(answer.toString('latin1'), /^HTTP\/1.1 101 /);
    client.pause();
    const began = performance.now();
    await hyperd.signal('SIGHUP');
    const took = performance.now() - began;
    client.destroy();
    assert.ok(took < 10_000, `it took ${took} ms`);
    await hyperd.start();
    assert.equal((await hyperd.hyper(['rm', '-f', 'held'])).code, 0);
  });
});
