import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Namespace } from './network/namespaces.ts';
import { findOrdinaryUser, whyNotRootless } from './network/ordinary-user.ts';
import type { Room } from './network/room.ts';
import { Login } from './support/login.ts';
import { hostAndInternet, podCommands } from './support/network-pods.ts';

const user = await findOrdinaryUser();
const skip = await whyNotRootless(user);

/** What test/networks.test.ts shows of root's, as far as it is another way here: all else is the same code in a namespace. */
describe('pods on networks of an ordinary user', { skip, timeout: 400_000, concurrency: 1 }, () => {
  let host: Namespace;
  let outside: Namespace;
  let internet: Room;
  let here: Room;
  let login: Login;
  before(async () => {
    assert.ok(typeof user !== 'string');
    ({ host, outside, internet, here } = await hostAndInternet());
    login = await Login.of(user, host);
  });
  after(async () => {
    for (const thing of [login, here, internet, outside, host]) await thing[Symbol.asyncDispose]();
  });

  const { run, serve } = podCommands(() => login);

  it('published ports reach out of hyperd’s namespace, to the host and the world', async () => {
    await serve('web', '-p', '8080:80', '-p', '80');
    const { ports } = await login.client.podInspect('web');
    for (const port of [8080, ports[1]?.hostPort ?? 0]) {
      assert.equal(await here.call('ask', '127.0.0.1', port), 'web\n');
      assert.equal(await internet.call('ask', '203.0.113.1', port), 'web\n');
    }
    const taken = await login.hyper(['run', '--rm', '-p', '8080:80', 'busybox', 'true']);
    assert.equal(taken.code, 125);
    assert.match(taken.stderr, /the port 0\.0\.0\.0:8080\/tcp cannot be had \(it is taken, or not of this host\)/);
  });

  it('they are there for the next hyperd, those that nobody knows are not, and they go with the pod', async () => {
    await login.forward(8099); // as a hyperd that is killed before it has made its record
    assert.notEqual(await here.call('ask', '127.0.0.1', 8099), 'ECONNREFUSED');
    const { pid } = await login.client.info();
    process.kill(pid, 'SIGHUP');
    await run('ports', 'ls', 'web');
    assert.equal(await here.call('ask', '127.0.0.1', 8099), 'ECONNREFUSED');
    assert.equal(await here.call('ask', '127.0.0.1', 8080), 'web\n');
    await run('ports', 'delete', 'web', '8080:80');
    assert.equal(await here.call('ask', '127.0.0.1', 8080), 'ECONNREFUSED');
    await run('ports', 'add', 'web', '8080:80');
    assert.equal(await here.call('ask', '127.0.0.1', 8080), 'web\n');
    await run('rm', '-f', 'web');
    assert.equal(await here.call('ask', '127.0.0.1', 8080), 'ECONNREFUSED');
  });

  it('white lists tell pods apart, and know all who come by a port by the tool’s address', async () => {
    await serve('friend', '--ip', '192.168.123.50');
    await serve('stranger', '--ip', '192.168.123.51');
    await login.client.podCreate({
      ...{ name: 'guarded', ports: [{ hostPort: 8090, guestPort: 80 }] },
      whiteLists: { internal: ['192.168.123.50'], external: ['10.0.2.2'] },
      containers: [{ image: 'busybox', command: ['nc', '-ll', '-p', '80', '-e', 'echo', 'guarded'] }],
    });
    await run('start', 'guarded');
    const ask = (pod: string, script: string): Promise<string> => run('exec', pod, 'sh', '-c', script);
    assert.equal(await ask('friend', 'until nc guarded 80 </dev/null; do :; done 2>/dev/null'), 'guarded\n');
    assert.equal(await ask('stranger', 'nc -w 2 guarded 80 </dev/null || echo no'), 'no\n');
    assert.equal(await here.call('ask', '127.0.0.1', 8090), 'guarded\n');
    await run('rm', '-f', 'friend', 'stranger', 'guarded');
  });

  it('networks, names and egress are root’s', async () => {
    await run('network', 'create', 'backend');
    await serve('db', '--network', 'backend', '--network-alias', 'database', '--egress', 'none');
    const script = 'nc database 80 </dev/null; nc -w 5 203.0.113.2 80 </dev/null';
    assert.equal(
      await run('run', '--rm', '--network', 'backend', 'busybox', 'sh', '-c', script),
      'db\nhello from outside',
    );
    assert.notEqual((await login.hyper(['exec', 'db', 'nc', '-w', '3', '203.0.113.2', '80'])).code, 0);
    await run('rm', '-f', 'db');
    assert.equal(await run('network', 'rm', 'backend'), 'backend\n');
  });

  it('networks have IPv6 among their pods, which publish on IPv4 addresses', async () => {
    await run('network', 'create', '--ipv6', 'six');
    await serve('db', '--network', 'six', '-p', '8080:80');
    const { address6, ports } = await login.client.podInspect('db');
    assert.match(address6 ?? '', /^fd.*::2$/);
    const options = ['--rm', '--network', 'six', 'busybox'];
    assert.equal(await run('run', ...options, 'sh', '-c', `nc ${address6 ?? ''} 80 </dev/null`), 'db\n');
    assert.deepEqual(
      ports.map(({ hostIp }) => hostIp),
      ['0.0.0.0'],
    );
    assert.equal(await here.call('ask', '127.0.0.1', 8080), 'db\n');
    const refused = await login.hyper(['run', '-p', '[::1]:8081:80', ...options, 'true']);
    assert.equal(refused.code, 125);
    assert.match(refused.stderr, /published on IPv4 addresses alone \(slirp4netns\): leave out ::1/);
    await run('rm', '-f', 'db');
    await run('network', 'rm', 'six');
  });

  it('a pod is on several networks, from its start and while it runs', async () => {
    await run('network', 'create', 'front');
    await run('network', 'create', '--internal', 'back');
    await serve('db', '--network', 'back');
    await serve('app', '--network', 'back', '--network', 'front', '-p', '8080:80');
    const script = 'nc db 80 </dev/null; nc -w 5 203.0.113.2 80 </dev/null';
    assert.equal(await run('exec', 'app', 'sh', '-c', script), 'db\nhello from outside');
    assert.equal(await internet.call('ask', '203.0.113.1', 8080), 'app\n');
    await run('network', 'connect', 'default', 'app');
    await run('network', 'disconnect', 'front', 'app');
    assert.equal(await run('exec', 'app', 'sh', '-c', script), 'db\nhello from outside');
    assert.equal(await internet.call('ask', '203.0.113.1', 8080), 'app\n');
    await run('rm', '-f', 'db', 'app');
    assert.equal(await run('network', 'prune'), 'front\nback\n');
  });
});
