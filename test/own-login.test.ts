import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { makeTestFolder, startDockerRegistry, tinyImage, type DockerRegistry } from './servers/index.ts';
import { TestHyperd, type Finished } from './support/hyperd.ts';

const notRoot = process.getuid?.() === 0 ? false : 'needs root: network namespaces';
const login = { username: 'alice', password: 'only-alice-knows' };

describe('the login of whoever calls hyper', { skip: notRoot, timeout: 240_000, concurrency: 1 }, () => {
  let folder: Awaited<ReturnType<typeof makeTestFolder>>;
  let hyperd: TestHyperd;
  let registry: DockerRegistry;
  let image = '';

  before(async () => {
    folder = await makeTestFolder();
    await mkdir(join(folder.path, 'empty'));
    // As the daemon of a system: it has a home, and no login in it.
    hyperd = await TestHyperd.start(
      { logLevel: 'debug' },
      { PATH: process.env['PATH'], HOME: join(folder.path, 'empty') },
    );
    registry = await startDockerRegistry({ login, namespace: hyperd.namespace });
    await registry.push('private:1', tinyImage());
    image = `${registry.host}/private:1`;
  });
  after(async () => {
    for (const thing of [registry, hyperd, folder]) await thing[Symbol.asyncDispose]();
  });

  /** A home with a docker config.json in it. */
  const homeWith = async (name: string, config: string): Promise<string> => {
    const home = join(folder.path, name);
    await mkdir(join(home, '.docker'), { recursive: true });
    await writeFile(join(home, '.docker/config.json'), config);
    return home;
  };
  const loginHome = (): Promise<string> => {
    const auth = Buffer.from(`${login.username}:${login.password}`).toString('base64');
    return homeWith('alice', JSON.stringify({ auths: { [registry.host]: { auth } } }));
  };
  /** A home whose config.json names a helper, which is in its `bin`. */
  const helperHome = async (): Promise<string> => {
    const home = await homeWith('helped', JSON.stringify({ credHelpers: { [registry.host]: 'test' } }));
    await mkdir(join(home, 'bin'), { recursive: true });
    const helper = join(home, 'bin/docker-credential-test');
    const answer = JSON.stringify({ ServerURL: 'x', Username: login.username, Secret: login.password });
    await writeFile(helper, `#!/bin/sh\nread -r s || :\n[ "$1 $s" = "get ${registry.host}" ] && echo '${answer}'\n`);
    await chmod(helper, 0o755);
    return home;
  };
  const hyper = (home: string, args: readonly string[], bundle = false): Promise<Finished> =>
    hyperd.hyper(args, { bundle, env: { HOME: home, PATH: `${home}/bin:${process.env['PATH'] ?? ''}` } });
  const forget = async (): Promise<void> => {
    const { code, stderr } = await hyper(folder.path, ['rmi', image]);
    assert.equal(code, 0, stderr);
  };

  for (const bundle of [false, true]) {
    const build = bundle ? 'the Node bundle' : 'the binary';

    it(`reaches a registry through a daemon that has none, by ${build}`, async () => {
      const pulled = await hyper(await loginHome(), ['pull', '-q', image], bundle);
      assert.deepEqual([pulled.code, pulled.stdout, pulled.stderr], [0, `${image}\n`, '']);
      await forget();
    });

    it(`may come from a credential helper of the caller's, by ${build}`, async () => {
      const pulled = await hyper(await helperHome(), ['pull', '-q', image], bundle);
      assert.deepEqual([pulled.code, pulled.stdout, pulled.stderr], [0, `${image}\n`, '']);
      await forget();
    });
  }

  it('counts for the pull of create and run as well', async () => {
    const home = await loginHome();
    for (const how of ['missing', 'always']) {
      const created = await hyper(home, ['create', '--name', how, '--pull', how, image]);
      assert.equal(created.code, 0, created.stderr);
      assert.equal((await hyper(home, ['rm', how])).code, 0);
    }
    await forget();
    const ran = await hyper(home, ['run', '--rm', image]);
    assert.match(ran.stderr, /^Digest: sha256:/m, 'it is pulled; there is nothing in it to run');
    await forget();
  });

  it('is wanted where there is none, and refused when it is wrong', async () => {
    const none = await hyper(join(folder.path, 'empty'), ['pull', '-q', image]);
    const wanted = `hyper: ${registry.host} wants a login: run 'docker login ${registry.host}'\n`;
    assert.deepEqual([none.code, none.stderr], [1, wanted]);
    const auth = Buffer.from('alice:guessed').toString('base64');
    const wrong = await homeWith('wrong', JSON.stringify({ auths: { [registry.host]: { auth } } }));
    const refused = await hyper(wrong, ['pull', '-q', image]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /^hyper: the login was refused for .*\n$/);
  });

  it('that cannot be read is a warning: most images need none', async () => {
    const broken = await hyper(await homeWith('broken', `{"auths": ${login.password}`), ['pull', '-q', image]);
    const warning = `hyper: warning: no login is sent to ${registry.host}: `;
    const [first, second] = broken.stderr.split('\n');
    assert.equal(
      first,
      `${warning}cannot read the logins in ${folder.path}/broken/.docker/config.json: it is not JSON`,
    );
    assert.match(second ?? '', /^hyper: .* wants a login: /);
    const home = await homeWith('helpless', JSON.stringify({ credsStore: 'not-there' }));
    const helpless = await hyper(home, ['pull', '-q', image]);
    assert.ok(helpless.stderr.startsWith(`${warning}docker-credential-not-there is not in the PATH`), helpless.stderr);
  });

  it('is in no log', () => {
    assert.match(hyperd.log, /hyperd is ready/);
    for (const secret of [login.password, Buffer.from(`alice:${login.password}`).toString('base64')]) {
      assert.ok(!hyperd.log.includes(secret));
    }
  });
});
