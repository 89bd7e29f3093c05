import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { HyperClient } from '../src/client/index.ts';
import { stillRuns, type ProcessIdentity } from '../src/lib/process-identity.ts';
import { hostAndOutside, isRoot, skipUnlessRoot, type Namespace } from './network/namespaces.ts';
import { findOrdinaryUser, folderOf, type OrdinaryUser } from './network/ordinary-user.ts';
import { Room } from './network/room.ts';
import { repository, runProgram, TestHyperd, type Finished } from './support/hyperd.ts';

const user = await findOrdinaryUser();
const tunMode = (await stat('/dev/net/tun').catch(() => undefined))?.mode ?? 0;
const closedTun = `/dev/net/tun is not open to ordinary users: run 'chmod 0666 /dev/net/tun'`;
const skip = typeof user === 'string' ? user : (tunMode & 0o6) === 0o6 ? false : closedTun;
const noDaemon = "hyper: Cannot connect to the Hyper daemon. Is 'hyperd' running on this host?\n";

/** A user at a machine: a home of their own that goes with all that was started from it. */
class Login implements AsyncDisposable {
  readonly home: string;
  readonly run: string;
  readonly #command: readonly string[];

  private constructor(home: string, command: readonly string[]) {
    this.home = home;
    this.run = join(home, 'run/hyper');
    this.#command = command;
  }

  static async of(user: OrdinaryUser, host: Namespace): Promise<Login> {
    const home = await folderOf(user);
    await mkdir(join(home, 'run'), { mode: 0o700 });
    await chown(join(home, 'run'), user.uid, user.gid);
    const path = '/usr/local/bin:/usr/bin:/bin';
    const env = ['env', '-i', `HOME=${home}`, `PATH=${path}`, `XDG_RUNTIME_DIR=${home}/run`, `USER=${user.name}`];
    return new Login(home, [...host.by, ...user.by, ...env]);
  }

  hyper(args: readonly string[], ...env: string[]): Promise<Finished> {
    const [file = '', ...rest] = [...this.#command, ...env, join(repository, 'dist/hyper'), ...args];
    return runProgram(file, rest, process.env);
  }

  get client(): HyperClient {
    return new HyperClient(`unix://${this.run}/hyper.sock`);
  }

  get log(): Promise<string> {
    return readFile(join(this.run, 'hyperd.log'), 'utf8');
  }

  /** The processes that the daemon leaves for the next one: what keeps the namespaces, and what joins them to the host. */
  async keepers(): Promise<ProcessIdentity[]> {
    const record: unknown = JSON.parse(await readFile(join(this.run, 'holder.json'), 'utf8').catch(() => '{}'));
    const { holder, outside } = record as { holder?: ProcessIdentity; outside?: { process: ProcessIdentity } | null };
    return [holder, outside?.process].filter((each) => each !== undefined);
  }

  /** Ends the daemon as a service manager does. */
  async stop(): Promise<void> {
    const running = await this.client.info().catch(() => undefined);
    if (running === undefined) return;
    const socketGone = untilGone(running.pid);
    process.kill(running.pid, 'SIGTERM');
    await socketGone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    for (const one of await this.keepers()) if (await stillRuns(one)) process.kill(one.pid, 'SIGKILL');
    await rm(this.home, { recursive: true, force: true });
  }
}

/** Resolves when a process that is not our child has ended: tail(1) watches it. */
async function untilGone(pid: number): Promise<void> {
  await promisify(execFile)('timeout', ['60', 'tail', `--pid=${pid}`, '-s', '0.1', '-f', '/dev/null']);
}

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
    const list = await login.hyper(['list'], 'HYPER_AUTOSTART=0');
    assert.deepEqual([list.code, list.stdout, list.stderr], [1, '', noDaemon]);
    const run = await login.hyper(['run', 'busybox', 'true'], 'HYPER_AUTOSTART=0');
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
    const keepers = await login.keepers();
    assert.equal((await login.hyper(['create', '--name', 'kept', 'busybox'])).code, 0);
    await login.stop();
    assert.deepEqual((await login.hyper(['list'], 'HYPER_AUTOSTART=0')).stderr, noDaemon);
    const list = await login.hyper(['list']);
    assert.match(list.stderr, /^hyper: starting hyperd /);
    assert.match(list.stdout, / kept /);
    assert.deepEqual(await login.keepers(), keepers);
  });

  it('has nothing in common with another user', async (context) => {
    const names = (await readFile('/etc/subuid', 'utf8')).split('\n').map((line) => line.split(':')[0] ?? '');
    const second = names.find((name) => name !== '' && typeof user !== 'string' && name !== user.name);
    if (second === undefined) {
      context.skip(`only one user has subordinate ids: run 'useradd -m another'`);
      return;
    }
    process.env['HYPER_TEST_USER'] = second;
    const other = await findOrdinaryUser();
    delete process.env['HYPER_TEST_USER'];
    assert.ok(typeof other !== 'string');
    await using neighbour = await Login.of(other, host);
    const ran = await neighbour.hyper(['run', '--rm', 'busybox', 'id', '-u']);
    assert.deepEqual([ran.code, ran.stdout], [0, '0\n'], ran.stderr);
    assert.doesNotMatch((await neighbour.hyper(['list'])).stdout, /kept/);
    const foreign = await neighbour.hyper(['-H', `unix://${login.run}/hyper.sock`, 'list']);
    assert.equal(foreign.code, 1);
    assert.match(foreign.stderr, /^hyper: .*\n$/);
  });
});

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
