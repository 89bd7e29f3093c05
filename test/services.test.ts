import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Namespace } from './network/namespaces.ts';
import { skipUnlessRoot } from './network/namespaces.ts';
import type { Room } from './network/room.ts';
import { TestHyperd } from './support/hyperd.ts';
import { hostAndInternet, podCommands } from './support/network-pods.ts';

const service = '10.254.0.1:80';

describe('services of a pod', { skip: skipUnlessRoot, timeout: 600_000 }, () => {
  let host: Namespace;
  let outside: Namespace;
  let hyperd: TestHyperd;
  let internet: Room;
  let here: Room;
  /** The addresses of pods that say their names at port 80. */
  let one = '';
  let two = '';

  const { run, refused, serve, inPod } = podCommands(() => hyperd);
  const addressOf = async (pod: string): Promise<string> => (await hyperd.client.podInspect(pod)).address ?? '';
  /** What the pod is told by so many connections to a service, one after the other. */
  const ask = (pod: string, times: number, at = service): Promise<string> =>
    inPod(pod, `for i in $(seq ${times}); do nc ${at.replace(/:(\d+)$/, ' $1')} </dev/null; done 2>&1 || true`);

  before(async () => {
    ({ host, outside, internet, here } = await hostAndInternet());
    hyperd = await TestHyperd.start({ subnet6: 'fd00:123::/64' }, process.env, { host });
    await serve('one');
    await serve('two');
    [one, two] = [await addressOf('one'), await addressOf('two')];
    const file = join(hyperd.folder, 'client.json');
    const spec = {
      id: 'client',
      services: [
        { serviceIP: '10.254.0.1', servicePort: 80, hosts: [one, two].map((hostIP) => ({ hostIP, hostPort: 80 })) },
      ],
      containers: [{ image: 'busybox', command: ['sleep', '1000'] }],
    };
    writeFileSync(file, JSON.stringify(spec));
    await run('run', '-p', file);
  });
  after(async () => {
    for (const thing of [hyperd, here, internet, outside, host]) await thing[Symbol.asyncDispose]();
  });

  it('are reached at an address of their own, one host after the other; nobody else is told of it', async () => {
    const told = (await ask('client', 4)).trim().split('\n');
    assert.deepEqual(
      [told.toSorted(), told[0] === told[2], told[1] === told[3]],
      [['one', 'one', 'two', 'two'], true, true],
    );
    assert.match(await run('service', 'ls', 'client'), new RegExp(`^10.254.0.1:80 +tcp +${one}:80,${two}:80$`, 'm'));
    assert.doesNotMatch(await inPod('client', 'ip addr'), /10\.254\.0\.1/);
    assert.match(await ask('one', 1), /unreachable|refused|timed out|^$/);
  });

  it('get other hosts while connections go on, and so they do when the service is taken away', async () => {
    const echo = '10.254.0.2:81';
    await run('exec', '-d', 'one', 'nc', '-ll', '-p', '81', '-e', 'cat');
    await run('service', 'add', 'client', echo, `${one}:81`);
    await inPod('client', 'mkfifo /tmp/in');
    await run('exec', '-d', 'client', 'sh', '-c', 'nc 10.254.0.2 81 <>/tmp/in >/tmp/out');
    const says = (word: string): Promise<string> =>
      inPod('client', `echo ${word} >/tmp/in; timeout 60 sh -c "until grep ${word} /tmp/out; do :; done"`);
    assert.equal(await says('before'), 'before\n');
    await run('service', 'update', 'client', echo, `${two}:80`);
    assert.equal(await ask('client', 1, echo), 'two\n');
    assert.equal(await says('after'), 'after\n');
    await run('service', 'delete', 'client', echo);
    assert.match(await ask('client', 1, echo), /refused/);
    assert.equal(await says('still'), 'still\n');
    await run('service', 'add', 'client', echo, `${two}:80`); // one that is not quite gone yet
    assert.equal(await ask('client', 1, echo), 'two\n');
    await run('service', 'update', 'client', echo);
    assert.match(await ask('client', 1, echo), /refused/);
    await run('service', 'delete', 'client', echo);
  });

  it('are of UDP and IPv6 as well', async () => {
    const six = (await hyperd.client.podInspect('two')).address6 ?? '';
    await run('service', 'add', 'client', '[fd00:254::1]:80', `[${six}]:80`);
    assert.match(await run('service', 'ls', 'client'), /^\[fd00:254::1\]:80 +tcp +\[fd00:123::.+\]:80$/m);
    assert.equal(await ask('client', 1, 'fd00:254::1:80'), 'two\n');
    await run('service', 'add', 'client', '10.254.0.1:53/udp', '192.168.123.1:53'); // hyperd's
    assert.match(await inPod('client', 'nslookup -type=a one. 10.254.0.1'), new RegExp(`^Address: ${one}$`, 'm'));
    await run('service', 'delete', 'client', '[fd00:254::1]:80', '10.254.0.1:53/udp');
  });

  it('go on while hyperd is killed, hold over the next start, and come to pods that have none yet', async () => {
    await hyperd.signal('SIGKILL');
    await hyperd.start();
    assert.match(await ask('client', 2), /^(?:one\ntwo|two\none)\n$/);
    await run('service', 'add', 'two', service, `${one}:80`); // started by another hyperd, without any
    assert.equal(await ask('two', 1), 'one\n');
    await run('stop', '-t', '0', 'client');
    await run('service', 'update', 'client', service, `${two}:80`);
    await run('start', 'client');
    assert.equal(await ask('client', 2), 'two\ntwo\n');
  });

  it('reach hosts by whichever network they are on, also one that the pod joins while it runs', async () => {
    await run('network', 'create', '--internal', 'back');
    await run('network', 'connect', 'back', 'one');
    await run('network', 'connect', 'back', 'client');
    const { networks } = await hyperd.client.podInspect('one');
    const host = networks.find(({ network }) => network === 'back')?.address ?? '';
    await run('service', 'add', 'client', '10.254.0.4:80', `${host}:80`);
    assert.equal(await ask('client', 1, '10.254.0.4:80'), 'one\n');
    const both = ['service', 'add', 'client', '10.254.0.5:80', `${host}:80`, `${two}:80`];
    await refused(1, /its hosts are reached by back and hyper0: they must be by one network/, ...both);
    const elsewhere = ['service', 'add', 'client', '10.254.0.4:81', `${two}:80`];
    await refused(1, /another of its address has hosts of another network/, ...elsewhere);
    await run('network', 'disconnect', 'back', 'client');
    assert.equal(await ask('client', 1), 'two\n');
    await run('service', 'delete', 'client', '10.254.0.4:80');
  });

  it('that cannot be are refused, and change nothing', async () => {
    const before = await run('service', 'ls', 'client');
    const add = (words: RegExp, ...args: string[]): Promise<void> =>
      refused(1, words, 'service', 'add', 'client', ...args);
    await add(/has the service 10\.254\.0\.1:80\/tcp already: .*'hyper service update'/, service, `${one}:80`);
    await add(/is the pod's own, or its gateway's/, '192.168.123.1:53', `${one}:53`);
    await add(/is the pod's own, or its gateway's/, `${await addressOf('client')}:80`, `${one}:80`);
    await add(/must be that of one machine/, '224.0.0.1:80', `${one}:80`);
    await add(/is twice among its hosts/, '10.254.0.9:80', `${one}:80`, `${one}:80`);
    await add(/is of the other IP family/, '10.254.0.9:80', '[fd00:123::2]:80');
    await add(/its host 127\.0\.0\.1 is no machine/, '10.254.0.9:80', '127.0.0.1:80');
    await add(/is the pod itself/, '10.254.0.9:80', `${await addressOf('client')}:80`);
    await add(/it is its own host/, '10.254.0.9:80', '10.254.0.9:81');
    await refused(2, /give an IP address and a port/, 'service', 'add', 'client', '10.254.0.9');
    await refused(1, /has no service 10\.254\.0\.9:80\/tcp/, 'service', 'update', 'client', '10.254.0.9:80');
    await refused(1, /has no service 10\.254\.0\.1:80\/udp/, 'service', 'delete', 'client', `${service}/udp`);
    assert.equal(await run('service', 'ls', 'client'), before);
    await run('create', '--name', 'alone', '--network', 'none', 'busybox', 'true');
    await refused(1, /a pod without a network has no services/, 'service', 'add', 'alone', service);
  });
});
