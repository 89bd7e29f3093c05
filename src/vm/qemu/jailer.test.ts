import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { skipUnlessRoot } from '../../../test/network/namespaces.ts';
import { jailed } from './jail.ts';
import { Jailer } from './jailer.ts';

describe('the jailer', { skip: skipUnlessRoot, timeout: 30_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'hyper-jailer-'));
  const path = (name: string): string => join(folder, name);
  let output: FileHandle;
  before(async () => {
    for (const name of ['one', 'two']) writeFileSync(path(name), name);
    output = await open(path('output'), 'w');
  });
  after(async () => {
    await output.close();
    rmSync(folder, { recursive: true });
  });

  const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const jail = { user, kvmGroup: null, rootless: false, root: folder, folder };

  /** What a command says that runs in the place of QEMU: it connects to us, so that its end is told. `before`: just before it is started. */
  async function saidBy(
    jailer: Jailer,
    script: string,
    files: readonly (FileHandle | undefined)[],
    before = (): void => undefined,
  ): Promise<string> {
    const server = createServer((socket) => socket.resume()).listen(path('ended.sock'));
    await once(server, 'listening');
    const { promise: connected, resolve } = Promise.withResolvers<Socket>();
    server.once('connection', resolve);
    await output.truncate();
    const perl = `use Socket; socket(S, PF_UNIX, SOCK_STREAM, 0); connect(S, pack_sockaddr_un("/media/ended.sock")); ${script}`;
    before();
    const pid = await jailer.start(jailed(jail, ['/usr/bin/perl', '-e', perl]), { output, files });
    assert.ok(pid > 1);
    await once(await connected, 'end');
    server.close();
    return readFileSync(path('output'), 'utf8');
  }

  it('gives open files as descriptors from 3 on, /dev/null for what is not there, and a session', async () => {
    using jailer = new Jailer();
    await using one = await open(path('one'));
    await using two = await open(path('two'));
    const links =
      'print join " ", (map { readlink "/proc/self/fd/$_" } 0, 3 .. 5), getpgrp == $$ ? "leads" : "follows"';
    const said = await saidBy(jailer, links, [one, undefined, two]);
    assert.equal(said, `/dev/null ${path('one')} /dev/null ${path('two')} leads`);
  });

  it('is another process where the one before was killed, though nobody has seen that yet', async () => {
    using jailer = new Jailer();
    const parent = async (before?: () => void): Promise<number> =>
      Number(await saidBy(jailer, 'print getppid', [], before));
    const first = await parent();
    const second = await parent(() => process.kill(first, 'SIGKILL'));
    assert.notEqual(second, first);
    assert.equal(await parent(), second);
  });

  it('says why nothing can be started', async () => {
    using jailer = new Jailer();
    await output.close();
    await assert.rejects(jailer.start(jailed(jail, ['/bin/true']), { output, files: [] }), { code: 'unavailable' });
    output = await open(path('output'), 'w');
  });
});
