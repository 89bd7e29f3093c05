import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { skipUnlessRoot } from './network/namespaces.ts';
import { TestHyperd } from './support/hyperd.ts';
import { originOf, untilGone, untilLogSays, untilTemplates, untilVmRuns } from './support/warm.ts';

/** Whatever becomes of a template, pods start; hyperd's log says why they take longer. */
describe('a template', { skip: skipUnlessRoot }, () => {
  let hyperd: TestHyperd;
  beforeEach(async () => {
    hyperd = await TestHyperd.start({ pool: { size: 0 }, templates: {} });
  });
  afterEach(async () => await hyperd[Symbol.asyncDispose]());

  const folder = (): string => join(hyperd.root, 'templates');
  const only = (): string => {
    const [name, ...more] = readdirSync(folder());
    assert.ok(name !== undefined && more.length === 0, 'one template');
    return join(folder(), name);
  };
  const made = async (): Promise<void> => {
    await hyperd.client.templateCreate({});
    assert.equal(await originOf(hyperd), 'template');
  };
  const spoil = (file: string, change: (bytes: Buffer) => Buffer): void => {
    chmodSync(file, 0o600);
    writeFileSync(file, change(readFileSync(file)));
  };
  const flipped = (bytes: Buffer): Buffer => {
    const middle = bytes.length >> 1;
    bytes.writeUInt8(bytes.readUInt8(middle) ^ 0xff, middle);
    return bytes;
  };

  for (const [name, how, change] of [
    ['memory', 'has a changed byte', flipped],
    ['memory', 'was cut off', (bytes: Buffer) => bytes.subarray(0, bytes.length >> 1)],
    ['state', 'is empty', () => Buffer.alloc(0)],
  ] as const) {
    it(`whose ${name} ${how} is thrown away when hyperd starts, and made again`, async () => {
      await made();
      await hyperd.signal('SIGHUP');
      spoil(join(only(), name), change);
      await hyperd.start();
      assert.equal(await originOf(hyperd), 'boot');
      assert.match(hyperd.log, new RegExp(`${name} is damaged: its checksum is another.*a template is thrown away`));
      await untilTemplates(hyperd, 1);
      assert.equal(await originOf(hyperd), 'template');
    });
  }

  it('whose description is no JSON is thrown away', async () => {
    await made();
    await hyperd.signal('SIGHUP');
    writeFileSync(join(only(), 'template.json'), '{"machine":');
    await hyperd.start();
    assert.equal(await originOf(hyperd), 'boot');
    await untilTemplates(hyperd, 1);
  });

  it('whose state is spoilt while hyperd runs costs one start its time', async () => {
    await made();
    spoil(join(only(), 'state'), (bytes) => bytes.fill(0x5a));
    assert.equal(await originOf(hyperd), 'boot');
    assert.match(hyperd.log, /a clone did not start/);
    await untilLogSays(hyperd, 'a template is thrown away');
    await untilTemplates(hyperd, 1);
    assert.equal(await originOf(hyperd), 'template');
  });

  it('that was deleted under hyperd costs one start its time', async () => {
    await made();
    rmSync(only(), { recursive: true });
    assert.equal(await originOf(hyperd), 'boot');
    await untilTemplates(hyperd, 1);
    assert.equal(await originOf(hyperd), 'template');
  });

  it('of which hyperd was killed while it made it leaves nothing, and is made by the next one', async () => {
    const making = hyperd.client.templateCreate({}).catch((error: unknown) => error);
    await untilVmRuns(hyperd);
    await hyperd.signal('SIGKILL');
    assert.ok((await making) instanceof Error);
    assert.match(readdirSync(folder()).join(), /^draft-/);
    await hyperd.start();
    assert.deepEqual([readdirSync(folder()), hyperd.vmProcesses()], [[], []]);
    assert.equal(await originOf(hyperd), 'boot');
    await untilTemplates(hyperd, 1);
  });

  it('for which there is no space is not made, and pods boot', async () => {
    await hyperd.signal('SIGHUP');
    rmSync(folder(), { recursive: true, force: true });
    mkdirSync(folder(), { mode: 0o700 });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=20m,mode=700', 'none', folder()]);
    try {
      await hyperd.start();
      assert.equal(await originOf(hyperd), 'boot');
      await untilLogSays(hyperd, 'a template could not be made');
      assert.deepEqual(readdirSync(folder()), []);
      await untilGone(hyperd, hyperd.vmProcesses());
      assert.equal(await originOf(hyperd), 'boot');
      const asked = await hyperd.hyper(['template', 'create']);
      assert.equal(asked.code, 1);
    } finally {
      await hyperd.signal('SIGTERM');
      execFileSync('umount', [folder()]);
    }
    await hyperd.start();
  });

  it('is kept within the space that templates may have: the least recently used goes', async () => {
    await using other = await TestHyperd.start({ pool: { size: 0 }, templates: { maxMiB: 150 } });
    await other.client.templateCreate({});
    const { id } = await other.client.templateCreate({ memoryMiB: 144 });
    const left = await other.client.templateList();
    assert.deepEqual(
      left.map((template) => template.id),
      [id],
    );
  });

  it('of an older QEMU is of no use when QEMU is upgraded under hyperd', async () => {
    const qemu = join(hyperd.folder, 'qemu');
    const install = (build: string): void => {
      writeFileSync(`${qemu}.new`, `#!/bin/sh\n# ${build}\nexec qemu-system-x86_64 "$@"\n`, { mode: 0o755 });
      renameSync(`${qemu}.new`, qemu);
    };
    install('one build');
    await using other = await TestHyperd.start({ qemu, pool: { size: 0 }, templates: {} });
    await other.client.templateCreate({});
    assert.equal(await originOf(other), 'template');
    install('another build');
    assert.equal(await originOf(other), 'boot');
    assert.match(other.log, /a template of another QEMU, kernel or machine is removed/);
    await untilTemplates(other, 1);
    assert.equal(await originOf(other), 'template');
  });
});
