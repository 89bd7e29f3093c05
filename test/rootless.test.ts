import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { Place, QemuUser } from '../src/daemon/rootless/index.ts';
import type { Endpoint, NetworkStatus } from '../src/network/index.ts';
import { findExecutable } from '../src/lib/find-executable.ts';
import { hostAndOutside, type Namespace } from './network/namespaces.ts';
import { findOrdinaryUser, folderOf, whyNotRootless } from './network/ordinary-user.ts';
import { Room, startGuest } from './network/room.ts';
import { endKeepers, enteringNamespacesOf, type Keepers, keepersOf } from './support/keepers.ts';

const user = await findOrdinaryUser();
const skip = await whyNotRootless(user);

describe('hyperd of an ordinary user', { skip }, () => {
  assert.ok(typeof user !== 'string' || skip !== false);
  const asUser = typeof user === 'string' ? [] : user.by;
  let host: Namespace;
  let outside: Namespace;
  let internet: Room;
  let services: Room;
  let runDir: string;
  const runDirs: string[] = [];

  before(async () => {
    ({ host, outside } = await hostAndOutside());
    internet = await Room.start({ by: outside.by });
    await internet.call('serve', '203.0.113.2', 80, 'hello from outside');
    services = await Room.start({ by: host.by });
    await services.call('serve', '127.0.0.1', 5000, "the host's registry");
    await services.call('serve', '0.0.0.0', 8002, 'for neighbours');
  });
  after(async () => {
    for (const thing of [services, internet, outside, host]) await thing[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    assert.ok(typeof user !== 'string');
    runDir = await folderOf(user);
    runDirs.push(runDir);
  });
  afterEach(async () => {
    for (const folder of runDirs.splice(0)) {
      await endKeepers(folder);
      await rm(folder, { recursive: true });
    }
  });

  const record = (folder: string): Keepers => {
    const keepers = keepersOf(folder);
    assert.ok(keepers);
    return keepers;
  };
  const start = (folder = runDir, ...env: string[]) =>
    Room.start({ by: [...host.by, ...asUser, ...env], args: ['--rootless', folder], cwd: '/usr/bin' });
  const placeOf = async (room: Room) => (await room.call('place')) as Place;

  it('is root in namespaces of its own, in the process that was started, in the same folder', async () => {
    await using room = await start();
    assert.equal(await room.call('pid'), room.child.pid);
    assert.equal(await room.call('cwd'), '/usr/bin');
    assert.equal((await room.run('id', '-u')).trim(), '0');
    assert.equal((await placeOf(room)).kind, 'namespace');
    const qemu = (await room.call('qemuUser')) as QemuUser;
    const map = await room.run('cat', '/proc/self/uid_map');
    assert.ok(qemu.uid > 0 && qemu.uid !== 65_534, map);
    const ids = await room.run('setpriv', `--reuid=${qemu.uid}`, `--regid=${qemu.gid}`, '--clear-groups', 'id');
    assert.match(ids, new RegExp(`uid=${qemu.uid} gid=${qemu.gid}`));
  });

  it('shows outside what it makes in its run folder', async () => {
    await using room = await start();
    await room.run('touch', join(runDir, 'hyper.sock'));
    assert.ok(typeof user !== 'string');
    assert.equal((await stat(join(runDir, 'hyper.sock'))).uid, user.uid);
  });

  it('enters the same namespaces when it is started again', async () => {
    const first = await start();
    await first.call('open', {});
    const endpoint = (await first.call('connect', 'vm-stays', 1000)) as Endpoint;
    const namespace = await first.run('readlink', '/proc/self/ns/net');
    const before = record(runDir);
    await first[Symbol.asyncDispose]();

    await using second = await start();
    assert.equal(await second.run('readlink', '/proc/self/ns/net'), namespace);
    assert.deepEqual(record(runDir), before);
    assert.equal(((await second.call('open', {})) as NetworkStatus).state, 'up');
    assert.deepEqual(await second.call('restore', [endpoint]), { missing: [] });
  });

  it('makes one set of namespaces when two start at once', async () => {
    const rooms = await Promise.all([start(), start(), start()]);
    const namespaces = await Promise.all(rooms.map((room) => room.run('readlink', '/proc/self/ns/net')));
    assert.equal(new Set(namespaces).size, 1);
    for (const room of rooms) await room[Symbol.asyncDispose]();
  });

  it('has namespaces apart from those of another run folder', async () => {
    assert.ok(typeof user !== 'string');
    const otherDir = await folderOf(user);
    runDirs.push(otherDir);
    await using one = await start();
    await using other = await start(otherDir);
    for (const room of [one, other]) {
      const status = (await room.call('open', {})) as NetworkStatus;
      assert.deepEqual(status, { bridge: 'hyper0', subnet: '192.168.123.0/24', state: 'up', reason: '' });
    }
  });

  it('starts anew when the holder or its way outside has gone', async () => {
    await (await start())[Symbol.asyncDispose]();
    const first = record(runDir);
    assert.ok(first.outside);
    process.kill(first.outside.process.pid, 'SIGKILL');
    {
      await using room = await start();
      assert.equal(await room.call('ask', '203.0.113.2', 80), 'hello from outside');
      assert.deepEqual(record(runDir).holder, first.holder);
    }
    process.kill(first.holder.pid, 'SIGKILL');
    await using room = await start();
    assert.notDeepEqual(record(runDir).holder, first.holder);
    assert.equal(await room.call('ask', '203.0.113.2', 80), 'hello from outside');
  });

  for (const tool of ['pasta', 'slirp4netns']) {
    it(`reaches the outside and the host's loopback by ${tool}, and its guests only the outside, but for who may reach the host`, async (t) => {
      if ((await findExecutable(tool)) === undefined) {
        t.skip(`${tool} is not installed`);
        return;
      }
      // The other tool, hidden: unable to run is as good as not there.
      const hidden = tool === 'slirp4netns' ? [] : ['unshare', '--mount', 'sh', '-c', hide('slirp4netns'), 'sh'];
      await using room = await Room.start({
        by: [...host.by, ...hidden, ...asUser],
        args: ['--rootless', runDir],
      });
      const place = await placeOf(room);
      assert.equal(place.outside?.tool, tool);
      const loopback = String(await room.call('mapAddress', '127.0.0.1'));
      assert.equal(await room.call('ask', loopback, 5000), "the host's registry");
      assert.equal(await room.call('ask', '203.0.113.2', 80), 'hello from outside');

      const { uid } = (await room.call('qemuUser')) as QemuUser;
      await room.call('open', {});
      const endpoint = (await room.call('connect', 'vm-EljQlbnRAP', uid)) as Endpoint;
      const inNamespaces = enteringNamespacesOf(runDir);
      await using guest = await startGuest(endpoint, uid, [...host.by, ...asUser, ...inNamespaces]);
      assert.equal(await guest.call('ask', '203.0.113.2', 80), 'hello from outside');
      for (const address of [loopback, '203.0.113.1', '192.168.123.1']) {
        for (const port of [5000, 8002]) assert.equal(await guest.call('ask', address, port), 'timeout');
      }
      const friend = (await room.call('connect', 'vm-friend', uid, { hostAccess: true })) as Endpoint;
      {
        await using inside = await startGuest(friend, uid, [...host.by, ...asUser, ...inNamespaces]);
        assert.equal(await inside.call('ask', '192.168.123.1', 8002), 'for neighbours');
        assert.notEqual(await inside.call('ask', '192.168.123.1', 5000), "the host's registry");
        assert.equal(await inside.call('ask', '203.0.113.1', 8002), 'timeout');
      }
      await room.call('disconnect', friend);

      const mapping = { protocol: 'tcp', hostIp: '0.0.0.0', hostPort: 8080, guestPort: 80 } as const;
      if (tool === 'pasta') {
        const todo = {
          code: 'unavailable',
          message: /published by slirp4netns, which does not run: install slirp4netns/,
        };
        await assert.rejects(room.call('publish', endpoint, [mapping]), todo);
        return;
      }
      await guest.call('serve', '0.0.0.0', 80, 'a guest');
      const wanted = [mapping, { ...mapping, hostIp: '127.0.0.1', hostPort: 0 }];
      const published = (await room.call('publish', endpoint, wanted)) as Endpoint;
      const ports = published.ports.map(({ hostPort }) => hostPort);
      for (const port of ports) assert.equal(await services.call('ask', '127.0.0.1', port), 'a guest');
      assert.equal(await internet.call('ask', '203.0.113.1', 8080), 'a guest');
      assert.notEqual(await internet.call('ask', '203.0.113.1', ports[1] ?? 0), 'a guest');
      const taken = { code: 'conflict', message: /the port 0\.0\.0\.0:(8080|8002)\/tcp cannot be had/ };
      for (const hostPort of [8080, 8002])
        await assert.rejects(room.call('publish', endpoint, [{ ...mapping, hostPort }]), taken);

      // A later hyperd goes on with them.
      await room[Symbol.asyncDispose]();
      assert.equal(await services.call('ask', '127.0.0.1', 8080), 'a guest');
      await using later = await start();
      await later.call('open', {});
      await later.call('restore', [published]);
      assert.equal(await services.call('ask', '127.0.0.1', 8080), 'a guest');
      await later.call('unpublish', published, [...published.ports]);
      for (const port of ports) assert.equal(await services.call('ask', '127.0.0.1', port), 'ECONNREFUSED');
    });
  }

  it('trusts no run folder of someone else, or that others may write to', async () => {
    assert.ok(typeof user !== 'string');
    const refused = (folder: string) =>
      assert.rejects(start(folder), {
        code: 'unavailable',
        message: `${folder} belongs to someone else or others may write to it: remove it, or choose another with --run`,
      });
    const [foreign, link] = [join(runDir, 'foreign'), join(runDir, 'link')];
    await mkdir(foreign);
    await refused(foreign);
    await symlink(runDir, link);
    await refused(link);
    await chmod(runDir, 0o777);
    await refused(runDir);
    await chmod(foreign, 0o777);
    await refused(foreign);
  });

  it('says which line gives a user subordinate ids', async () => {
    const by = [...host.by, 'setpriv', '--reuid=12345', '--regid=12345', '--clear-groups'];
    await assert.rejects(Room.start({ by, args: ['--rootless', '/tmp/hyper-nobody'] }), {
      message: /has no subordinate uids in \/etc\/subuid: run 'usermod --add-subuids \d+-\d+ --add-subgids/,
    });
  });

  it('says what to do where user namespaces are forbidden', async () => {
    const before = await readFile('/proc/sys/user/max_user_namespaces', 'utf8');
    assert.ok(Number(before) > 0);
    // A limit of this user's, in a user namespace of the test's own: the host's stays.
    const by = [
      ...host.by,
      ...asUser,
      'unshare',
      '--user',
      '--map-current-user',
      '--keep-caps',
      'sh',
      '-c',
      forbid,
      'sh',
    ];
    await assert.rejects(Room.start({ by, args: ['--rootless', runDir] }), {
      code: 'unavailable',
      message: /cannot have namespaces of their own .*: run 'sysctl -w user\.max_user_namespaces=15000' as root/,
    });
  });
});

/** Puts something that does not run over a program, for the commands behind it alone. */
function hide(program: string): string {
  return `mount --bind /dev/null "$(readlink -f /usr/bin/${program})"; exec "$@"`;
}

const forbid = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"';
