import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { hostAndOutside, isRoot, skipUnlessRoot, type Namespace } from './network/namespaces.ts';
import { findOrdinaryUser, whyNotRootless } from './network/ordinary-user.ts';
import { Room } from './network/room.ts';
import { repository, runProgram, TestHyperd, type Finished } from './support/hyperd.ts';
import { keepersOf } from './support/keepers.ts';
import { Login } from './support/login.ts';

const user = await findOrdinaryUser();
const skip = await whyNotRootless(user);
const noDaemon = "hyper: Cannot connect to the Hyper daemon. Is 'hyperd' running on this host?\n";

describe('the CLI of an ordinary user', { skip, timeout: 240_000, concurrency: 1 }, () => {
  let host: Namespace;
  let outside: Namespace;
  let internet: Room;
  let login: Login;
  before(async () => {
    assert.ok(typeof user !== 'string');
    ({ host, outside } = await hostAndOutside());
    internet = await Room.start({ by: outside.by });
    await internet.call('serve', '203.0.113.2', 80, 'HTTP/1.0 200 OK\r\n\r\nhello from outside');
    login = await Login.of(user, host);
  });
  after(async () => {
    for (const thing of [login, internet, outside, host]) await thing[Symbol.asyncDispose]();
  });

  it('starts nothing with HYPER_AUTOSTART=0', async () => {
    const list = await login.hyper(['list'], { env: { HYPER_AUTOSTART: '0' } });
    assert.deepEqual([list.code, list.stdout, list.stderr], [1, '', noDaemon]);
    const run = await login.hyper(['run', 'busybox', 'true'], { env: { HYPER_AUTOSTART: '0' } });
    assert.deepEqual([run.code, run.stdout, run.stderr], [125, '', noDaemon]);
    assert.deepEqual(await readdir(login.home, { recursive: true }), ['run']);
  });

  it('starts one daemon of the user’s own, however many ask at once, and says so', async () => {
    const both = await Promise.all([login.hyper(['info']), login.hyper(['info'])]);
    const pids = both.map(({ code, stdout, stderr }) => {
      assert.equal(code, 0, stderr);
      assert.match(stderr, /^(?:hyper: starting hyperd \(log: .*\/run\/hyper\/hyperd\.log\)\n)?$/);
      return /^Hyper: \S+ \(rootless\), pid (\d+)$/m.exec(stdout)?.[1];
    });
    assert.ok(both.some(({ stderr }) => stderr === `hyper: starting hyperd (log: ${login.run}/hyperd.log)\n`));
    assert.equal(pids[0], pids[1]);
    assert.equal((await login.log).match(/"hyperd is ready"/g)?.length, 1, await login.log);
    assert.match(both[0].stdout, new RegExp(`^Root: ${login.home}/.local/share/hyper$`, 'm'));
    assert.match(both[0].stdout, /^Problems: none$/m);
    assert.ok(typeof user !== 'string');
    assert.match(await readFile(`/proc/${pids[0]}/status`, 'utf8'), new RegExp(`^Uid:\\s${user.uid}\\s`, 'm'));
  });

  it('runs pods that are root inside and reach the outside', async () => {
    const script = 'id; wget -q -O - http://203.0.113.2/';
    const ran = await login.hyper(['run', '--rm', 'busybox', 'sh', '-c', script]);
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(ran.stdout, /^uid=0\(root\) gid=0\(root\).*\nhello from outside$/);
    assert.match(ran.stderr, /^POD id is pod-[A-Za-z]{10}\n$/);
    assert.equal((await login.hyper(['list', '-q'])).stdout, '');
  });

  it('starts the daemon again on the same pods and namespaces after it has ended', async () => {
    const keepers = keepersOf(login.run);
    assert.equal((await login.hyper(['create', '--name', 'kept', 'busybox'])).code, 0);
    await login.stop();
    assert.deepEqual((await login.hyper(['list'], { env: { HYPER_AUTOSTART: '0' } })).stderr, noDaemon);
    const list = await login.hyper(['list']);
    assert.match(list.stderr, /^hyper: starting hyperd /);
    assert.match(list.stdout, / kept /);
    assert.deepEqual(keepersOf(login.run), keepers);
  });

  it('runs side by side with another user’s, with which it has nothing in common', async (context) => {
    assert.ok(typeof user !== 'string');
    const other = await findOrdinaryUser(user);
    if (typeof other === 'string') {
      context.skip(other);
      return;
    }
    await using neighbour = await Login.of(other, host);
    const logins = [login, neighbour];
    const sleeping = ['run', '-d', '--name', 'sleeper', 'busybox', 'sleep', '600'];
    const started = await Promise.all(logins.map((each) => each.hyper(sleeping)));
    for (const { code, stderr } of started) assert.equal(code, 0, stderr);
    const pods = started.map(({ stdout }) => stdout);
    for (const [at, each] of logins.entries()) {
      const { stdout } = await each.hyper(['list', '-q']);
      assert.ok(stdout.includes(pods[at] ?? '') && !stdout.includes(pods[1 - at] ?? ''), stdout);
    }
    const owners = await Promise.all(logins.map(async (each) => await ownerOfVm(each)));
    assert.notEqual(owners[0], owners[1], 'their VMs are processes of different users');
    for (const [at, each] of logins.entries()) {
      const socket = logins[1 - at]?.socket ?? '';
      const foreign = await each.hyper(['-H', `unix://${socket}`, 'list']);
      assert.deepEqual([foreign.code, foreign.stdout, foreign.stderr], [1, '', noDaemon]);
    }
  });
});

/** The uid of the process of the one VM that someone runs. */
async function ownerOfVm(login: Login): Promise<number> {
  const [vm, ...others] = await login.client.vmList();
  assert.ok(vm !== undefined && others.length === 0);
  return (await stat(`/proc/${vm.pid}`)).uid;
}

describe('a hyperd that cannot start', { timeout: 120_000, concurrency: 1 }, () => {
  let folder = '';
  before(async () => void (folder = await mkdtemp(join(tmpdir(), 'hyper-config-'))));
  afterEach(async () => await rm(join(folder, 'config.json'), { recursive: true, force: true }));
  after(async () => await rm(folder, { recursive: true }));

  const options = (root: string, run: string, config: string): string[] => [
    '--root',
    root,
    '--run',
    run,
    '--config',
    config,
  ];
  const start = (...more: string[]): Promise<Finished> => {
    const own = options(join(folder, 'root'), join(folder, 'run'), join(folder, 'config.json'));
    return runProgram(join(repository, 'bin/hyperd'), [...own, ...more], process.env);
  };

  const configurations: readonly (readonly [string, RegExp])[] = [
    ['{"acelerator": "kvm"}', /^hyperd: .*\/config\.json: .*acelerator.*\n$/],
    ['{"accelerator": "vmware"}', /^hyperd: .*\/config\.json: accelerator: .*"auto"\|"kvm"\|"tcg".*\n$/],
    ['{"accelerator": ', /^hyperd: .*\/config\.json is not JSON: .*\n$/],
  ];
  for (const [config, message] of configurations) {
    it(`says in one line what is wrong with ${config}`, async () => {
      await writeFile(join(folder, 'config.json'), config);
      const { code, stdout, stderr } = await start();
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, message);
      assert.deepEqual(await readdir(folder), ['config.json'], 'it made nothing');
    });
  }

  it('says that its configuration cannot be read, and which option it does not know', async () => {
    await mkdir(join(folder, 'config.json'));
    const unreadable = await start();
    assert.equal(unreadable.code, 1);
    assert.match(unreadable.stderr, /^hyperd: cannot read .*\/config\.json: EISDIR.*\n$/);
    const flag = await start('--nope');
    assert.equal(flag.code, 2);
    assert.match(flag.stderr, /^hyperd: .*--nope.*\nSee 'hyperd --help'\.\n$/);
  });

  it('leaves the run folder of another to that one', { skip: isRoot ? false : skipUnlessRoot }, async () => {
    await using hyperd = await TestHyperd.start();
    const own = options(hyperd.root, hyperd.run, join(hyperd.folder, 'config.json'));
    const command = ['netns', 'exec', hyperd.namespace, join(repository, 'bin/hyperd'), ...own];
    const second = await runProgram('ip', command, process.env);
    assert.deepEqual(
      [second.code, second.stdout, second.stderr],
      [75, '', `hyperd: another hyperd serves ${hyperd.socket}\n`],
    );
    assert.equal((await hyperd.hyper(['list', '-q'])).code, 0);
  });

  it('leaves the root folder of another to that one', { skip: isRoot ? false : skipUnlessRoot }, async () => {
    await using hyperd = await TestHyperd.start();
    const own = options(hyperd.root, join(folder, 'run'), join(hyperd.folder, 'config.json'));
    const command = ['netns', 'exec', hyperd.namespace, 'timeout', '20', join(repository, 'bin/hyperd'), ...own];
    const second = await runProgram('ip', command, process.env);
    const line = `hyperd: another hyperd has the root folder ${hyperd.root}: stop it, or choose another with --root\n`;
    assert.deepEqual([second.code, second.stdout, second.stderr], [1, '', line]);
    assert.equal((await hyperd.hyper(['list', '-q'])).code, 0);
  });
});
