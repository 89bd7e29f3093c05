import assert from 'node:assert/strict';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { ImageProgress } from '../src/image/index.ts';
import {
  makeServerCertificate,
  makeTestFolder,
  never,
  openTestStore,
  startDockerRegistry,
  tinyImage,
} from './servers/index.ts';

const login = { username: 'alice', password: 'secret' };
const loginFor = (host: string, password: string): string =>
  JSON.stringify({ auths: { [host]: { auth: Buffer.from(`alice:${password}`).toString('base64') } } });

describe('a real registry', () => {
  it('gives its images to a pull, by tag and by digest', async () => {
    await using registry = await startDockerRegistry();
    await using store = await openTestStore();
    const image = tinyImage();
    await registry.push('team/app:1.0', image);

    const pulled = await store.images.pull(`${registry.host}/team/app:1.0`, { signal: never });

    assert.equal(pulled.image.id, image.config.digest);
    assert.equal(pulled.reference, `${registry.host}/team/app:1.0`);
    assert.equal(pulled.changed, true);
    assert.deepEqual(pulled.image.tags, [`${registry.host}/team/app:1.0`]);
    assert.deepEqual(pulled.image.digests, [`${registry.host}/team/app@${image.manifest.digest}`]);
    assert.deepEqual(pulled.image.config.command, ['/hello']);
    const byDigest = await store.images.pull(`${registry.host}/team/app@${image.manifest.digest}`, { signal: never });
    assert.equal(byDigest.image.id, image.config.digest);
    assert.equal(byDigest.changed, false);
    assert.deepEqual(await store.contents('tmp'), []);
  });

  it('is not asked again for a layer that another image has', async () => {
    await using registry = await startDockerRegistry();
    await using store = await openTestStore();
    const image = tinyImage();
    await registry.push('a:1', image);
    await registry.push('b:1', tinyImage({ layers: image.layers, process: { Cmd: ['other'] } }));
    await store.images.pull(`${registry.host}/a:1`, { signal: never });
    const progress: ImageProgress[] = [];

    await store.images.pull(`${registry.host}/b:1`, { signal: never, onProgress: (line) => progress.push(line) });

    const statuses = progress.flatMap((line) => (line.type === 'layer' ? [line.status] : []));
    assert.deepEqual(statuses, ['exists', 'exists']);
    assert.equal((await store.contents('layers')).length, 2);
  });

  it('says that there is no such tag', async () => {
    await using registry = await startDockerRegistry();
    await using store = await openTestStore();

    await assert.rejects(store.images.pull(`${registry.host}/nothing:here`, { signal: never }), {
      code: 'not_found',
      message: `${registry.host} has no ${registry.host}/nothing:here: check name and tag`,
    });
  });

  it('that wants a login gets it from docker’s config.json', async () => {
    await using registry = await startDockerRegistry({ login });
    await using folder = await makeTestFolder();
    const dockerConfig = join(folder.path, 'config.json');
    await writeFile(dockerConfig, loginFor(registry.host, login.password));
    await using store = await openTestStore({ dockerConfig });
    await registry.push('private:1', tinyImage());

    const { image } = await store.images.pull(`${registry.host}/private:1`, { signal: never });

    assert.equal(image.id, tinyImage().config.digest);
  });

  it('that wants a login refuses a wrong one, and none, in words', async () => {
    await using registry = await startDockerRegistry({ login });
    await using folder = await makeTestFolder();
    const dockerConfig = join(folder.path, 'config.json');
    await writeFile(dockerConfig, loginFor(registry.host, 'wrong'));
    await using store = await openTestStore({ dockerConfig });
    await using anonymous = await openTestStore();
    await registry.push('private:1', tinyImage());

    await assert.rejects(store.images.pull(`${registry.host}/private:1`, { signal: never }), {
      code: 'unauthorized',
      message: /^the login was refused for .*: run 'docker login 127\.0\.0\.1:\d+'$/,
    });
    await assert.rejects(anonymous.images.pull(`${registry.host}/private:1`, { signal: never }), {
      code: 'unauthorized',
      message: `${registry.host} wants a login: run 'docker login ${registry.host}'`,
    });
  });

  it('takes the login that a caller gives instead', async () => {
    await using registry = await startDockerRegistry({ login });
    await using store = await openTestStore();
    await registry.push('private:1', tinyImage());

    const credentials = { kind: 'password', ...login } as const;
    const { image } = await store.images.pull(`${registry.host}/private:1`, { signal: never, credentials });

    assert.equal(image.id, tinyImage().config.digest);
  });

  it('over TLS is trusted by the authority in certs.d, and by no other', async () => {
    await using folder = await makeTestFolder();
    const tls = await makeServerCertificate(folder.path);
    await mkdir(join(folder.path, 'other'));
    const other = await makeServerCertificate(join(folder.path, 'other'));
    await using registry = await startDockerRegistry({ tls });
    await registry.push('app:1', tinyImage());
    const certsDir = join(folder.path, 'certs.d');
    await mkdir(join(certsDir, registry.host), { recursive: true });
    await copyFile(tls.authority, join(certsDir, registry.host, 'ca.crt'));
    const wrongCertsDir = join(folder.path, 'wrong.d');
    await mkdir(join(wrongCertsDir, registry.host), { recursive: true });
    await copyFile(other.authority, join(wrongCertsDir, registry.host, 'ca.crt'));
    await using store = await openTestStore({ certsDir });
    await using lenient = await openTestStore();
    await using distrustful = await openTestStore({ certsDir: wrongCertsDir });

    const { image } = await store.images.pull(`${registry.host}/app:1`, { signal: never });
    assert.equal(image.id, tinyImage().config.digest);
    // Nobody need vouch for a registry on this machine for which no authority was named, as with Docker.
    assert.ok(await lenient.images.pull(`${registry.host}/app:1`, { signal: never }));
    await assert.rejects(distrustful.images.pull(`${registry.host}/app:1`, { signal: never }), {
      code: 'unavailable',
      message: /^cannot trust 127\.0\.0\.1:\d+: .*: put its authority's certificate into \/etc\/docker\/certs\.d\//,
    });
  });
});
