import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, it } from 'node:test';
import { outputOf, type TestHyperd } from './support/hyperd.ts';
import { until } from './support/refusal.ts';
import { originOf, untilPoolHas, untilPreparedTemplates } from './support/warm.ts';
import { inBothWays } from './support/ways.ts';

/** Makes templates by itself, and with them what waits for clones; no VM waits. */
const config = { pool: { size: 0 }, templates: {} };

inBothWays('the NIC that waits for the next VM', {}, (way) => {
  let hyperd: TestHyperd;
  beforeEach(async () => {
    hyperd = await way.start(config, { withTemplate: true });
    assert.deepEqual(await taps(), [], 'before the first pod none does');
    await originOf(hyperd);
  });
  afterEach(async () => await hyperd[Symbol.asyncDispose]());

  const taps = async (): Promise<string[]> =>
    (await hyperd.network.ip('-o', 'link')).match(/\bhy\w{10}-\d+(?=:)/g) ?? [];
  /** The one that waits, once no VM has any, nor any is being prepared. */
  const waiting = async (): Promise<string> => {
    await until(async () => {
      const { preparedTemplates, vmMemory } = await hyperd.client.info();
      return preparedTemplates.count > 0 && vmMemory.reservedMiB === 0 && (await taps()).length === 1;
    });
    return (await taps())[0] ?? '';
  };
  const run = (...args: string[]): Promise<string> => outputOf(hyperd, ['run', ...args]);
  const keep = (name: string, ...options: string[]): Promise<string> =>
    run('-d', '--name', name, ...options, 'busybox', 'sleep', '1000');
  const tapOf = (pid: number): string =>
    /ifname=(hy\w{10}-\d+)/.exec(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))?.[1] ?? '';
  /** The tap of the one VM that runs. */
  const tapOfVm = (): string => {
    const [pid, ...others] = hyperd.vmProcesses();
    assert.ok(pid !== undefined && others.length === 0, 'one VM runs');
    return tapOf(pid);
  };
  const reachesGateway = ['ping', '-c', '1', '-W', '3', '192.168.123.1'];

  it('is that VM’s, whatever its pod asks for, and another one waits then', async () => {
    const first = await waiting();
    await outputOf(hyperd, ['network', 'create', '--subnet', '10.91.0.0/24', 'other']);
    const onDefault = ['--network', 'default', '--ip', '192.168.123.99', '--net-rate', '10mbit'];
    await keep('one', ...onDefault, '--network', 'other', '--add-host', 'here:host-gateway');
    assert.equal(tapOfVm(), first);
    assert.deepEqual(
      (await taps()).filter((tap) => tap.startsWith(first.slice(0, -1))).length,
      2,
      'one VM’s, as it is',
    );
    const addresses = await outputOf(hyperd, ['exec', 'one', 'ip', '-4', '-o', 'addr']);
    assert.match(addresses, /eth0\s+inet 192\.168\.123\.99\/[^]*eth1\s+inet 10\.91\.0\./);
    await outputOf(hyperd, ['exec', 'one', ...reachesGateway]);
    await outputOf(hyperd, ['rm', '-f', 'one']);
    assert.notEqual(await waiting(), first);
  });

  it('waits on for who needs none, or is on another network', async () => {
    const first = await waiting();
    await outputOf(hyperd, ['network', 'create', '--subnet', '10.91.0.0/24', 'other']);
    await run('--rm', '--network', 'none', 'busybox', 'true');
    await run('--rm', '--network', 'other', 'busybox', 'ping', '-c', '1', '-W', '3', '10.91.0.1');
    assert.equal(await waiting(), first);
  });

  it('is not missed where somebody has taken it away', async () => {
    const first = await waiting();
    await hyperd.network.ip('link', 'delete', first);
    await run('--rm', 'busybox', ...reachesGateway);
    assert.notEqual(await waiting(), first);
  });

  it('gives way to who asks for its address, as a VM of the pool does', async () => {
    const addressOf = async (tap: string): Promise<string> => {
      const rules = await hyperd.network.run('nft', 'list', 'ruleset');
      return new RegExp(`"${tap}" \\. \\S+ \\. ([\\d.]+)`).exec(rules)?.[1] ?? assert.fail(`no address of ${tap}`);
    };
    const show = ['busybox', 'ip', '-4', '-o', 'addr', 'show', 'dev', 'eth0'];
    const address = await addressOf(await waiting());
    assert.match(await run('--rm', '--ip', address, ...show), new RegExp(`inet ${address}/`));
    hyperd.configure({ ...config, pool: { size: 2 } });
    await untilPoolHas(hyperd, 2);
    for (const which of [0, 1]) {
      const taken = await addressOf(hyperd.vmProcesses().map(tapOf)[which] ?? '');
      assert.match(await run('--rm', '--ip', taken, ...show), new RegExp(`inet ${taken}/`));
      await untilPoolHas(hyperd, 2);
    }
  });

  it('is given back by a start that is refused what it asks for, and waits on where there was no room', async () => {
    await waiting();
    const taken = await hyperd.hyper(['run', '--rm', '--ip', '192.168.123.1', 'busybox', 'true']);
    assert.match(taken.stderr, /192\.168\.123\.1 cannot be given to a guest/);
    await until(async () => (await taps()).length === 0); // one that fails makes none for the next
    await hyperd.signal('SIGHUP');
    hyperd.configure({ ...config, memory: { maxMiB: 256 } });
    await hyperd.start();
    await keep('one');
    await until(async () => (await taps()).length === 2);
    const before = await taps();
    const full = await hyperd.hyper(['run', '--rm', 'busybox', 'true']);
    assert.match(full.stderr, /the host is full/);
    await until(async () => (await taps()).length === 2);
    assert.deepEqual(await taps(), before, 'it waits on');
  });

  it('does not wait where addresses are few', async () => {
    await hyperd.signal('SIGTERM');
    hyperd.configure({ ...config, bridge: 'hyper-small', subnet: '192.168.200.0/29' });
    await hyperd.start();
    await originOf(hyperd);
    await untilPreparedTemplates(hyperd, 1); // it is made before
    await until(async () => (await taps()).length === 0); // the one of the VM that was prepared goes
  });

  it('goes with hyperd, and with the next one where hyperd was killed', async () => {
    await waiting();
    await hyperd.signal('SIGHUP');
    assert.deepEqual(await taps(), []);
    await hyperd.start();
    await originOf(hyperd);
    const first = await waiting();
    await hyperd.signal('SIGKILL');
    assert.deepEqual(await taps(), [first]);
    await hyperd.start();
    assert.deepEqual(await taps(), []);
  });
});
