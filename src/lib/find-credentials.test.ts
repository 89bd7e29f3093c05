import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Credentials } from './credentials.ts';
import { findCredentials } from './find-credentials.ts';

const auth = (login: string): string => Buffer.from(login).toString('base64');

async function find(host: string, config: string): Promise<Credentials | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'hyper-login-'));
  try {
    await writeFile(join(folder, 'config.json'), config);
    return await findCredentials(host, { environment: { DOCKER_CONFIG: folder } }, new AbortController().signal);
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('docker’s config.json', () => {
  it('gives the login of a host, its password with colons', async () => {
    const config = JSON.stringify({ auths: { 'reg.example:5000': { auth: auth('bob:a:b') }, 'x.example': {} } });

    assert.deepEqual(await find('reg.example:5000', config), { kind: 'password', username: 'bob', password: 'a:b' });
    assert.equal(await find('reg.example', config), undefined);
    assert.equal(await find('x.example', config), undefined);
  });

  it('keeps that of docker.io under its old address', async () => {
    const config = JSON.stringify({ auths: { 'https://index.docker.io/v1/': { auth: auth('bob:pw') } } });

    assert.deepEqual(await find('docker.io', config), { kind: 'password', username: 'bob', password: 'pw' });
  });

  it('may hold an identity token', async () => {
    const config = JSON.stringify({ auths: { 'r.example': { auth: auth('x:'), identitytoken: 'abc' } } });

    assert.deepEqual(await find('r.example', config), { kind: 'identityToken', token: 'abc' });
  });

  it('that is not there means no login; one that is broken is named', async () => {
    const signal = new AbortController().signal;
    assert.equal(await findCredentials('r.example', { environment: { HOME: '/nowhere' } }, signal), undefined);
    await assert.rejects(find('r.example', '{'), {
      code: 'bad_request',
      message: /^cannot read the logins in .*config\.json: /,
    });
    await assert.rejects(find('r.example', '{"auths":[]}'), { message: /: auths must be an object$/ });
    await assert.rejects(find('r.example', '{"auths":{"r.example":{"auth":7}}}'), {
      code: 'bad_request',
      message: /: auths\.r\.example\.auth must be text$/,
    });
  });

  it('is quoted in no message', async () => {
    await assert.rejects(find('r.example', '{"auths": hunter2'), (error: Error) => !error.message.includes('hunter2'));
  });

  it('may have empty entries, as credential helpers leave them', async () => {
    assert.equal(await find('r.example', '{"auths":{"r.example":{}},"credHelpers":null,"credsStore":""}'), undefined);
  });

  it('cannot name a helper that is a path', async () => {
    await assert.rejects(find('r.example', '{"credsStore":"../evil"}'), {
      code: 'bad_request',
      message: /strange credential helper/,
    });
  });
});
