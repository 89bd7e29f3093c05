import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { hostAndOutside, type Namespace } from './network/namespaces.ts';
import { findOrdinaryUser, whyNotRootless, type OrdinaryUser } from './network/ordinary-user.ts';
import { makeRawDisk } from './support/disks.ts';
import { outputOf, repository } from './support/hyperd.ts';
import { Login } from './support/login.ts';
import { until } from './support/refusal.ts';
import { buildStatic } from './support/shares.ts';

const user = await findOrdinaryUser();
const skip = await whyNotRootless(user);

describe('host folders and volumes of an ordinary user', { skip, timeout: 240_000, concurrency: 1 }, () => {
  let host: Namespace;
  let outside: Namespace;
  let login: Login;
  let owner: OrdinaryUser;
  before(async () => {
    assert.ok(typeof user !== 'string');
    owner = user;
    ({ host, outside } = await hostAndOutside());
    login = await Login.of(user, host);
  });
  after(async () => {
    for (const thing of [login, outside, host]) await thing[Symbol.asyncDispose]();
  });

  const run = (...args: string[]): Promise<string> => outputOf(login, args);
  const folderOfUser = async (name: string): Promise<string> => {
    const path = join(login.home, name);
    await mkdir(path);
    await chown(path, owner.uid, owner.gid);
    return path;
  };

  it('have the user for root, and their subordinate ids for others', async () => {
    const folder = await folderOfUser('shared');
    await writeFile(join(folder, 'ours'), 'from the host\n');
    await chown(join(folder, 'ours'), owner.uid, owner.gid);
    const script =
      'stat -c "%u:%g" /data/ours; cat /data/ours; echo x >/data/theirs; echo y >/data/other; chown 1000:1000 /data/other';
    assert.equal(
      await run('run', '--rm', '-v', `${folder}:/data`, 'busybox', 'sh', '-ec', script),
      '0:0\nfrom the host\n',
    );
    assert.equal((await stat(join(folder, 'theirs'))).uid, owner.uid);
    const { uid } = await stat(join(folder, 'other'));
    assert.ok(uid > 65_536 && uid !== owner.uid, `${uid}`);
  });

  it('give no more of the host than the user has', async () => {
    const closed = join(login.home, 'roots');
    await mkdir(closed);
    await writeFile(join(closed, 'secret'), 'secret');
    await chmod(join(closed, 'secret'), 0o600);
    const { code, stdout, stderr } = await login.hyper([
      'run',
      '--rm',
      '-v',
      `${closed}:/data`,
      'busybox',
      'cat',
      '/data/secret',
    ]);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /Permission denied/);
    const written = await login.hyper(['run', '--rm', '-v', `${closed}:/data`, 'busybox', 'touch', '/data/x']);
    assert.match(written.stderr, /Permission denied/);
  });

  it('can be a socket that the user may connect to', async () => {
    const folder = await folderOfUser('sockets');
    const path = join(folder, 'echo.sock');
    const server = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)).listen(path);
    try {
      await once(server, 'listening');
      await chown(path, owner.uid, owner.gid);
      buildStatic(join(repository, 'test/sockets/socket-client.c'), join(folder, 'client'));
      const mounts = ['-v', `${folder}:/program:ro`, '-v', `${path}:/run/echo.sock`];
      const script = 'stat -c %u /run/echo.sock; echo hello | /program/client /run/echo.sock';
      assert.equal(await run('run', '--rm', ...mounts, 'busybox', 'sh', '-c', script), '0\nhello\n');
    } finally {
      server.close();
    }
  });

  it('can be disks by their path, with the user’s own rights', async () => {
    const folder = await folderOfUser('disks');
    await chmod(folder, 0o700);
    const [own, roots] = [join(folder, 'own.raw'), join(folder, 'roots.raw')];
    for (const path of [own, roots]) {
      makeRawDisk(path, 16);
      await chmod(path, 0o600);
    }
    await chown(own, owner.uid, owner.gid);
    const mount = (path: string): string[] => ['--mount', `type=disk,source=${path},target=/data`];
    await run('run', '--rm', ...mount(own), 'busybox', 'sh', '-c', 'echo kept >/data/x');
    assert.equal(await run('run', '--rm', ...mount(own), 'busybox', 'cat', '/data/x'), 'kept\n');
    const refused = await login.hyper(['run', '--rm', ...mount(roots), 'busybox', 'true']);
    assert.equal(refused.code, 125);
    assert.match(refused.stderr, /roots.raw may not be written by hyperd: see its owner and mode, or mount it with ro/);
  });

  it('outlive pods, as folders and as disks, and read-only is read-only', async () => {
    await run('volume', 'create', '--opt', 'type=disk', '--opt', 'size=32m', 'disk');
    const mounts = ['-v', 'folder:/folder', '-v', 'disk:/disk'];
    await run(
      'run',
      '--rm',
      ...mounts,
      'busybox',
      'sh',
      '-c',
      'echo one >/folder/x; echo two >/disk/x; chown 5:5 /folder/x',
    );
    const script = 'cat /folder/x /disk/x; stat -c %u /folder/x; touch /folder/y 2>/dev/null || echo no';
    const again = ['-v', 'folder:/folder:ro', '-v', 'disk:/disk'];
    assert.equal(await run('run', '--rm', ...again, 'busybox', 'sh', '-c', script), 'one\ntwo\n5\nno\n');
    assert.equal(
      await run('volume', 'inspect', '-f', '{{.Mountpoint}}', 'folder'),
      `${login.home}/.local/share/hyper/volumes/folder/_data\n`,
    );
    assert.equal(await run('volume', 'rm', 'folder', 'disk'), 'folder\ndisk\n');
  });

  it('are kept by a pod whose daemon was killed and started', async () => {
    const folder = await folderOfUser('kept');
    await run('run', '-d', '--name', 'kept', '-v', `${folder}:/data`, 'busybox', 'sleep', '1000');
    const { pid } = await login.client.info();
    process.kill(pid, 'SIGKILL');
    await until(() => !existsSync(`/proc/${pid}`));
    await run('exec', 'kept', 'sh', '-c', 'echo again >/data/x');
    assert.equal(await readFile(join(folder, 'x'), 'utf8'), 'again\n');
    await run('rm', '-f', 'kept');
  });
});
