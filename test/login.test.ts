import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { skipUnlessRoot } from './network/namespaces.ts';
import {
  type DockerRegistry,
  makeTestFolder,
  never,
  openTestStore,
  startDockerRegistry,
  startServer,
  tinyImage,
} from './servers/index.ts';
import { type Finished, TestHyperd } from './support/hyperd.ts';

const login = { username: 'alice', password: 'only-alice-knows' };

describe('hyper login', { skip: skipUnlessRoot, timeout: 240_000 }, () => {
  let folder: Awaited<ReturnType<typeof makeTestFolder>>;
  let hyperd: TestHyperd;
  let registry: DockerRegistry;

  before(async () => {
    folder = await makeTestFolder();
    hyperd = await TestHyperd.start({}, { PATH: process.env['PATH'], HOME: folder.path });
    registry = await startDockerRegistry({ login, namespace: hyperd.namespace });
    await registry.push('private:1', tinyImage());
  });
  after(async () => {
    for (const thing of [registry, hyperd, folder]) await thing[Symbol.asyncDispose]();
  });

  const config = (home: string): string => join(folder.path, home, '.docker/config.json');
  const hyper = (home: string, args: readonly string[], input = ''): Promise<Finished> => {
    const own = join(folder.path, home);
    return hyperd.hyper(args, { input, env: { HOME: own, PATH: `${own}/bin:${process.env['PATH'] ?? ''}` } });
  };
  const logIn = (home: string, password = login.password): Promise<Finished> =>
    hyper(home, ['login', registry.host, '-u', login.username, '--password-stdin'], `${password}\n`);
  const pull = async (home: string): Promise<number | null> => {
    const { code } = await hyper(home, ['pull', '-q', `${registry.host}/private:1`]);
    if (code === 0) await hyper(home, ['rmi', `${registry.host}/private:1`]);
    return code;
  };

  it('keeps a login that the registry takes in the caller’s own file, and logout takes it away', async () => {
    assert.equal(await pull('fresh'), 1);
    const { code, stdout, stderr } = await logIn('fresh');
    assert.deepEqual([code, stdout], [0, 'Login Succeeded\n'], stderr);
    assert.match(stderr, /^hyper: warning: the login lies unencrypted in .*config\.json: /);
    assert.equal((await stat(config('fresh'))).mode & 0o777, 0o600);
    const auth = Buffer.from(`${login.username}:${login.password}`).toString('base64');
    assert.deepEqual(JSON.parse(await readFile(config('fresh'), 'utf8')), { auths: { [registry.host]: { auth } } });
    assert.equal(await pull('fresh'), 0);
    const left = await hyper('fresh', ['logout', `https://${registry.host}/v2/`]);
    assert.equal(left.stdout, `Removing login credentials for ${registry.host}\n`);
    assert.deepEqual(JSON.parse(await readFile(config('fresh'), 'utf8')), { auths: {} });
    assert.equal((await hyper('fresh', ['logout', registry.host])).stdout, `Not logged in to ${registry.host}\n`);
    assert.equal(await pull('fresh'), 1);
  });

  it('that the registry refuses is not kept', async () => {
    const refused = await logIn('refused', 'guessed');
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /^hyper: the login was refused \(127\.0\.0\.1:\d+ says 401.*\): check name and password\n$/,
    );
    await assert.rejects(stat(config('refused')), { code: 'ENOENT' });
  });

  it('leaves all else in the file as it is, and goes to the credential helper that it names', async () => {
    await mkdir(join(folder.path, 'helped/bin'), { recursive: true });
    await mkdir(join(folder.path, 'helped/.docker'));
    const helper = join(folder.path, 'helped/bin/docker-credential-test');
    const kept = join(folder.path, 'helped/kept');
    const script = [
      '#!/bin/sh',
      `case $1 in store) cat >${kept} ;; erase) rm -f ${kept} ;;`,
      `get) cat ${kept} 2>/dev/null || { echo credentials not found in native keychain; exit 1; } ;; esac`,
    ];
    await writeFile(helper, script.join('\n'));
    await chmod(helper, 0o755);
    const others = { HttpHeaders: { a: 'b' }, auths: { 'other.example': { auth: 'eDp5' } }, credsStore: 'test' };
    await writeFile(config('helped'), JSON.stringify(others));

    const { code, stdout, stderr } = await logIn('helped');
    assert.deepEqual([code, stdout, stderr], [0, 'Login Succeeded\n', '']);
    const answer = { ServerURL: registry.host, Username: login.username, Secret: login.password };
    assert.deepEqual(JSON.parse(await readFile(kept, 'utf8')), answer);
    const text = await readFile(config('helped'), 'utf8');
    assert.deepEqual(JSON.parse(text), { ...others, auths: { ...others.auths, [registry.host]: {} } });
    assert.ok(!text.includes(Buffer.from(login.password).toString('base64').slice(0, 8)));
    assert.equal(await pull('helped'), 0);
    assert.equal((await hyper('helped', ['logout', registry.host])).code, 0);
    await assert.rejects(stat(kept), { code: 'ENOENT' });
    assert.deepEqual(JSON.parse(await readFile(config('helped'), 'utf8')), others);
  });

  it('says what is missing or wrong', async () => {
    const wrong: readonly (readonly [readonly string[], number, RegExp])[] = [
      [
        ['login', registry.host],
        2,
        /name and password are asked for in a terminal: give --username and --password-stdin/,
      ],
      [['login', '--password-stdin'], 2, /--password-stdin needs the name: give --username/],
      [['login', '-u', 'a', '-p', 'b', '--password-stdin'], 2, /--password and --password-stdin: give one of them/],
      [['login', 'a b'], 2, /the registry is 'a b': give HOST or HOST:PORT/],
      [['login', '-u', 'a', '-p', 'b', '127.0.0.1:1'], 1, /127\.0\.0\.1:1/],
    ];
    for (const [args, code, words] of wrong) {
      const ran = await hyper('wrong', args);
      assert.equal(ran.code, code, ran.stderr);
      assert.match(ran.stderr, words);
    }
    assert.ok(!hyperd.log.includes(login.password));
  });
});

it('an identity token that a token service gives for a login is answered, and no repository is asked for', async () => {
  const asked: string[] = [];
  await using service = await startServer((request, response) => {
    asked.push(`${request.url} ${request.headers.authorization}`);
    response.end('{"token":"t","refresh_token":"idt"}');
  });
  await using registry = await startServer((request, response) => {
    const realm = `Bearer realm="http://${service.host}/token",service="reg"`;
    const isIn = request.headers.authorization === 'Bearer t';
    response.writeHead(isIn ? 200 : 401, isIn ? {} : { 'www-authenticate': realm }).end('{}');
  });
  await using store = await openTestStore();
  assert.equal(await store.images.logIn(registry.host, { kind: 'password', ...login }, never), 'idt');
  const basic = Buffer.from(`${login.username}:${login.password}`).toString('base64');
  assert.deepEqual(asked, [`/token?service=reg&client_id=hyper&offline_token=true&account=alice Basic ${basic}`]);
});
