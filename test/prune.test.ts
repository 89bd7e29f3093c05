import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { skipUnlessRoot } from './network/namespaces.ts';
import { oldDockerArchive, type TinyImage, tinyImage, tinyLayer } from './servers/index.ts';
import { outputOf, TestHyperd } from './support/hyperd.ts';
import { podCommands } from './support/network-pods.ts';

describe('what nobody uses', { skip: skipUnlessRoot, timeout: 300_000 }, () => {
  let hyperd: TestHyperd;
  const { run, refused } = podCommands(() => hyperd);
  const base = tinyLayer({ base: 'x'.repeat(300_000) });
  const command = { Cmd: ['/none'] };
  const used = tinyImage({ layers: [base], process: { ...command, Labels: { kind: 'used' } } });
  const old = tinyImage({ layers: [base, tinyLayer({ old: 'y'.repeat(200_000) })], process: command });
  const fresh = tinyImage({ layers: [base, tinyLayer({ new: 'z' })], process: { ...command, Labels: { a: 'b' } } });

  const load = (image: TinyImage, tag: string): Promise<string> =>
    outputOf(hyperd, ['load'], { input: oldDockerArchive(image, [tag]) });
  const names = async (): Promise<string[]> => (await hyperd.client.podList()).map(({ name }) => name).sort();
  const tags = async (): Promise<string[]> => (await hyperd.client.imageList()).flatMap((image) => image.tags).sort();
  const use = async (type: string) => (await hyperd.client.diskUsage()).find((each) => each.type === type);

  before(async () => {
    hyperd = await TestHyperd.start();
    await load(used, 'used:1');
    await load(old, 'app:1');
    await load(fresh, 'app:1'); // the old one has no name now
    await run('create', '--name', 'pending', 'used:1');
    await run('run', '-d', '--name', 'runs', 'busybox', 'sleep', '100000');
    await run('run', '--name', 'ended', '--label', 'tier=x', '--storage', '64m', 'busybox', 'true');
    await run('run', '--name', 'other', '--storage', '64m', 'busybox', 'true');
    await run('network', 'create', '--label', 'tier=x', 'lonely');
    await run('network', 'create', 'alone');
    await run('volume', 'create', 'named');
    await run('volume', 'create');
  });
  after(async () => await hyperd[Symbol.asyncDispose]());

  it('is counted as it lies on the disk, with what of it could go', async () => {
    const table = await run('system', 'df');
    assert.match(table, /^TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE\nImages +4 +2 +\S+ +\S+ \(\d+%\)\nPods +4 +1 /);
    assert.match(table, /^Volumes +2 +0 +\S+ +\S+ \(100%\)$/m);
    const rows = (await run('system', 'df', '--format', 'json')).trim().split('\n');
    assert.deepEqual(Object.keys(JSON.parse(rows[0] ?? '') as object), [
      ...['Type', 'TotalCount', 'Active', 'Size', 'Reclaimable'],
    ]);
    const pods = await use('pods');
    const { id } = await hyperd.client.podInspect('ended');
    const [blocks] = execFileSync('du', ['-s', '--block-size=1', join(hyperd.root, 'pods', id, 'scratch.ext4')], {
      encoding: 'utf8',
    }).split('\t');
    const ended = pods?.items.find(({ name }) => name === 'ended');
    // The disk is sparse, of 64 MiB; its log is beside it.
    assert.ok(
      ended !== undefined && ended.sizeBytes >= Number(blocks) && ended.sizeBytes < 20 * 2 ** 20,
      String(blocks),
    );
    const images = await use('images');
    const layers = execFileSync('du', ['-s', '--block-size=1', join(hyperd.root, 'layers')], { encoding: 'utf8' });
    const [onDisk = ''] = layers.split('\t');
    assert.ok(
      images !== undefined && Math.abs(images.sizeBytes / Number(onDisk) - 1) < 0.3,
      `${images?.sizeBytes} ${onDisk}`,
    );
    const of = (name: string) => images.items.find((item) => item.name.includes(name));
    assert.deepEqual(of('used')?.usedBy, ['pending']);
    assert.ok((of('app')?.sharedBytes ?? 0) > 0 && (of('app')?.sharedBytes ?? 0) < (of('app')?.sizeBytes ?? 0));
    const details = await run('system', 'df', '-v');
    assert.match(details, /^Images space usage:\n\nNAME +ID +CREATED +SIZE +SHARED SIZE +USED BY\n/);
    assert.match(details, /^used:1 .* pending$/m);
  });

  it('is asked about first, and no answer is none', async () => {
    for (const [command, words] of [
      [['prune'], 'all pods that have ended'],
      [['image', 'prune'], 'all images without a name'],
      [['network', 'prune'], 'all networks that no pod'],
      [['system', 'prune', '-a', '--volumes'], 'all images that no pod was made from'],
    ] as const) {
      const asked = await hyperd.hyper(command, { input: 'n\n' });
      assert.equal(asked.code, 0, asked.stderr);
      assert.match(asked.stderr, /^WARNING! This will remove /);
      assert.match(asked.stderr, new RegExp(`${words}[^]*Are you sure you want to continue\\? \\[y/N\\] `));
      assert.equal((await hyperd.hyper(command)).stdout, '');
    }
    assert.deepEqual(await names(), ['ended', 'other', 'pending', 'runs']);
    assert.equal((await tags()).length, 3);
  });

  it('of pods are those that have ended, by label and by age', async () => {
    assert.equal(await run('prune', '-f', '--filter', 'until=1h'), 'Total reclaimed space: 0B\n');
    assert.match(
      await run('prune', '-f', '--filter', 'label=tier=x', '--filter', 'until=0s'),
      /^Deleted Pods:\nended\n\nTotal reclaimed space: [\d.]+[kM]B\n$/,
    );
    assert.match((await hyperd.hyper(['prune'], { input: 'y\n' })).stdout, /^Deleted Pods:\nother\n\nTotal/);
    assert.deepEqual(await names(), ['pending', 'runs']);
    await refused(
      2,
      /--filter is 'name=x': give label=NAME, label=NAME=VALUE or until=TIME/,
      'prune',
      '--filter',
      'name=x',
    );
    await refused(2, /--filter until is 'soon'/, 'image', 'prune', '--filter', 'until=soon');
  });

  it('of images are those without a name, and with -a those that no pod was made from', async () => {
    const pruned = await run('image', 'prune', '-f');
    assert.match(pruned, new RegExp(`^Deleted Images:\ndeleted: ${old.config.digest}\ndeleted: sha256:.*\n\nTotal`));
    assert.match(pruned, /^Total reclaimed space: 2\d\dkB$/m);
    assert.equal(await run('image', 'prune', '-af', '--filter', 'label=kind=none'), 'Total reclaimed space: 0B\n');
    assert.match(await run('image', 'prune', '-af', '--filter', 'label=a=b'), /^Deleted Images:\nuntagged: \S*app:1\n/);
    assert.deepEqual(await tags(), ['docker.io/library/busybox:latest', 'docker.io/library/used:1']);
  });

  it('of all kinds goes at once, with volumes when they are named', async () => {
    assert.equal(await run('network', 'prune', '-f', '--filter', 'label=tier'), 'Deleted Networks:\nlonely\n\n');
    await run('rm', 'pending');
    const pruned = await run('system', 'prune', '-af', '--volumes');
    const [, volume = ''] = /^Deleted Volumes:\n([0-9a-f]{64})$/m.exec(pruned) ?? [];
    assert.match(
      pruned,
      /^Deleted Networks:\nalone\n\nDeleted Volumes:\n\w+\n\nDeleted Images:\nuntagged: \S+used:1\n/,
    );
    assert.match(pruned, /^Total reclaimed space: [\d.]+kB$/m);
    assert.notEqual(volume, '');
    assert.deepEqual(await tags(), ['docker.io/library/busybox:latest']);
    assert.deepEqual(
      (await hyperd.client.volumeList()).map(({ name }) => name),
      ['named'],
    );
    assert.deepEqual(await names(), ['runs']);
    assert.equal(await run('system', 'prune', '-f'), 'Total reclaimed space: 0B\n');
  });

  it('of images is told as it goes, and before as it came', async () => {
    const past = async (...filters: string[]): Promise<string[]> => {
      const all = filters.flatMap((filter) => ['-f', filter]);
      const shown = ['--format', '{{.Action}} {{.Name}} {{.ID}}'];
      return (await run('events', '--since', '1h', '--until', '0s', ...all, ...shown)).trim().split('\n');
    };
    const [app, usedId, oldId, freshId] = ['docker.io/library/app:1', used, old, fresh].map((each) =>
      typeof each === 'string' ? each : each.config.digest,
    );
    assert.deepEqual(await past('type=image', 'image=app:1'), [
      ...[`load ${app} ${oldId}`, `load ${app} ${freshId}`],
      ...[`untag ${app} ${freshId}`, `delete ${app} ${freshId}`],
    ]);
    assert.deepEqual(await past('type=image', 'event=delete'), [
      ...[`delete ${oldId} ${oldId}`, `delete ${app} ${freshId}`, `delete docker.io/library/used:1 ${usedId}`],
    ]);
    const ofPods = await past('image=busybox');
    assert.ok(
      ofPods.some((line) => /^create (runs|ended)/.test(line)),
      ofPods.join('\n'),
    );
  });
});
