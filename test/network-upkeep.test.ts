import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { Namespace } from './network/namespaces.ts';
import { skipUnlessRoot } from './network/namespaces.ts';
import type { Room } from './network/room.ts';
import { TestHyperd } from './support/hyperd.ts';
import { hostAndInternet, podCommands } from './support/network-pods.ts';
import { until } from './support/refusal.ts';
import { untilLogSays } from './support/warm.ts';

describe('what others take away of networks', { skip: skipUnlessRoot, timeout: 300_000 }, () => {
  let host: Namespace;
  let outside: Namespace;
  let hyperd: TestHyperd;
  let internet: Room;
  let here: Room;
  const { run, serve, inPod } = podCommands(() => hyperd);

  before(async () => {
    ({ host, outside, internet, here } = await hostAndInternet());
    hyperd = await TestHyperd.start({}, process.env, { host });
    await run('network', 'create', 'inner');
    await serve('web', '-p', '8080:80', '--network', 'inner');
    await serve('closed', '--egress', 'none');
  });
  after(async () => {
    for (const thing of [hyperd, here, internet, outside, host]) await thing[Symbol.asyncDispose]();
  });

  const outsideIsOpen = async (pod: string): Promise<boolean> =>
    (await inPod(pod, 'nc -w 2 203.0.113.2 80 </dev/null || echo no')).startsWith('hello');
  /** Published ports, names and ways out are as they were, and so are the walls. */
  const assertSound = async (): Promise<void> => {
    await until(async () => (await here.call('ask', '203.0.113.1', 8080).catch(() => '')) === 'web\n');
    assert.equal(await outsideIsOpen('closed'), false);
    assert.equal(await outsideIsOpen('web'), true);
    assert.match(await inPod('web', 'nslookup web'), /Address: 192\.168\./);
    assert.match(await run('run', '--rm', 'busybox', 'nslookup', 'closed'), /Address: 192\.168\./);
    assert.deepEqual(
      (await hyperd.client.networkList()).map(({ state }) => state),
      ['up', 'up'],
    );
  };
  /** Programs of hyperd's that watch for what goes. */
  const watchers = (): string[] =>
    execFileSync('ip', ['netns', 'pids', hyperd.namespace], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .filter((pid) => /\0monitor\0/.test(commandLine(pid)));
  const tables = async (): Promise<string[]> =>
    (await host.run('nft', 'list', 'tables'))
      .split('\n')
      .filter((line) => line.includes('hyper_'))
      .sort();

  it('rules that a firewall flushes are there again, and stood before', async () => {
    await assertSound();
    const stood = await tables();
    await host.run('nft', 'flush', 'ruleset');
    await until(async () => (await tables()).join() === stood.join());
    await assertSound();
  });

  it('a bridge that is removed is made again, with the pods that were on it', async () => {
    const bridges = (await hyperd.client.networkList()).map(({ bridge }) => bridge);
    for (const bridge of bridges) await host.ip('link', 'delete', bridge);
    await until(async () => {
      const links = await host.run('ip', '-o', 'link', 'show', 'type', 'bridge');
      return bridges.every((bridge) => links.includes(`${bridge}:`));
    });
    await assertSound();
    await untilLogSays(hyperd, `the bridge ${bridges[0]}`);
  });

  it('a bridge that was removed while there was no hyperd as well', async () => {
    const bridges = (await hyperd.client.networkList()).map(({ bridge }) => bridge);
    assert.equal(watchers().length, 2);
    await hyperd.signal('SIGKILL');
    await until(() => watchers().length === 0);
    for (const bridge of bridges) await host.ip('link', 'delete', bridge);
    await host.run('nft', 'flush', 'ruleset');
    await hyperd.start();
    await assertSound();
  });

  it('routing that is turned off is turned on again', async () => {
    await host.run('sysctl', '-w', 'net.ipv4.ip_forward=0');
    await until(async () => (await host.run('sysctl', '-n', 'net.ipv4.ip_forward')) === '1\n');
    await assertSound();
  });
});

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // it has ended
  }
}
