import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { skipUnlessRoot } from './network/namespaces.ts';
import { findExecutable } from '../src/lib/find-executable.ts';
import { TestHyperd, testTemplates } from './support/hyperd.ts';
import { originOf, untilGone, untilLogSays, untilTemplateBegun, untilTemplates, untilVmRuns } from './support/warm.ts';

/** Whatever becomes of a template, pods start; hyperd's log says why they take longer. */
describe('a template', { skip: skipUnlessRoot }, () => {
  /** Makes templates by itself, and has the one of all tests: what it takes seconds to make is not made for each. */
  const config = { pool: { size: 0 }, templates: {} };
  let hyperd: TestHyperd;
  beforeEach(async () => {
    hyperd = await TestHyperd.start(config, process.env, { withTemplate: true });
    if (!existsSync(testTemplates)) await hyperd.client.templateCreate({});
  });
  afterEach(async () => await hyperd[Symbol.asyncDispose]());

  const folder = (): string => join(hyperd.root, 'templates');
  const only = (): string => {
    const [name, ...more] = readdirSync(folder());
    assert.ok(name !== undefined && more.length === 0, 'one template');
    return join(folder(), name);
  };
  const spoil = (file: string, change: (bytes: Buffer) => Buffer): void => {
    chmodSync(file, 0o600);
    writeFileSync(file, change(readFileSync(file)));
  };
  /** Its pod boots, and behind it another one is made, whose end not each test waits for. */
  const replaced = async (damaged: string): Promise<void> => {
    assert.equal(await originOf(hyperd), 'boot');
    assert.equal(existsSync(damaged), false, 'it is thrown away');
    await untilTemplateBegun(hyperd);
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
      await hyperd.signal('SIGHUP');
      const damaged = only();
      spoil(join(damaged, name), change);
      await hyperd.start();
      await replaced(damaged);
      assert.match(hyperd.log, new RegExp(`${name} is damaged: its checksum is another.*a template is thrown away`));
    });
  }

  it('whose description is no JSON is thrown away', async () => {
    await hyperd.signal('SIGHUP');
    const damaged = only();
    writeFileSync(join(damaged, 'template.json'), '{"machine":');
    await hyperd.start();
    await replaced(damaged);
  });

  it('whose state is spoilt while hyperd runs costs one start its time', async () => {
    assert.equal(await originOf(hyperd), 'template', 'it is good before');
    spoil(join(only(), 'state'), (bytes) => bytes.fill(0x5a));
    assert.equal(await originOf(hyperd), 'boot');
    assert.match(hyperd.log, /a clone did not start/);
    await untilLogSays(hyperd, 'a template is thrown away');
    await untilLogSays(hyperd, 'template made');
    await untilTemplates(hyperd, 1);
    assert.equal(await originOf(hyperd), 'template');
  });

  it('that was deleted under hyperd costs one start its time', async () => {
    assert.equal(await originOf(hyperd), 'template', 'it is good before');
    const deleted = only();
    rmSync(deleted, { recursive: true });
    await replaced(deleted);
  });

  it('of which hyperd was killed while it made it leaves nothing, and is made by the next one', async () => {
    await hyperd.client.templateRemove(basename(only()));
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
    await hyperd.signal('SIGHUP');
    const older = basename(only());
    hyperd.configure({ ...config, templates: { maxMiB: 90 } });
    await hyperd.start();
    assert.equal(await originOf(hyperd), 'template', 'it is good before');
    const { id } = await hyperd.client.templateCreate({ memoryMiB: 144 });
    assert.notEqual(id, older);
    assert.deepEqual(readdirSync(folder()), [id]);
  });

  it('of an older QEMU is of no use when QEMU is upgraded under hyperd', async () => {
    const qemu = join(hyperd.folder, 'qemu');
    symlinkSync((await findExecutable('qemu-system-x86_64')) ?? assert.fail('QEMU is not there'), qemu);
    await hyperd.signal('SIGHUP');
    const older = only();
    hyperd.configure({ ...config, qemu });
    await hyperd.start();
    assert.equal(await originOf(hyperd), 'template', 'of the same QEMU it is');
    writeFileSync(`${qemu}.new`, '#!/bin/sh\nexec qemu-system-x86_64 "$@"\n', { mode: 0o755 });
    renameSync(`${qemu}.new`, qemu);
    await replaced(older);
    assert.match(hyperd.log, /a template of another QEMU, kernel or machine is removed/);
    await untilTemplates(hyperd, 1);
    assert.equal(await originOf(hyperd), 'template');
  });
});
