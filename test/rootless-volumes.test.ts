import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { makeRawDisk } from './support/disks.ts';
import { repository, type TestHyperd } from './support/hyperd.ts';
import { buildStatic } from './support/shares.ts';
import { ofOrdinaryUser } from './support/ways.ts';

/** What is mounted, and how it behaves, the tests of each kind show of both. */
ofOrdinaryUser('what pods are given of the host', { timeout: 120_000 }, (way) => {
  let hyperd: TestHyperd;
  /** Of root, and open to all to look into. */
  let folder: string;
  before(async () => {
    hyperd = await way.start();
    folder = join(hyperd.folder, 'of-root');
    mkdirSync(folder);
  });
  after(async () => await hyperd[Symbol.asyncDispose]());

  const refused = async (code: number, words: RegExp, ...args: string[]): Promise<void> => {
    const ran = await hyperd.hyper(['run', '--rm', ...args]);
    assert.deepEqual([ran.code, words.test(ran.stderr)], [code, true], `${ran.code}: ${ran.stderr}`);
  };
  const secret = (name: string, make: (path: string) => void): string => {
    const path = join(folder, name);
    make(path);
    chmodSync(path, 0o600);
    return path;
  };

  it('is no more of a folder than the user has', async () => {
    secret('secret', (path) => writeFileSync(path, 'secret'));
    const denied = /Permission denied/;
    await refused(1, denied, '-v', `${folder}:/data`, 'busybox', 'cat', '/data/secret');
    await refused(1, denied, '-v', `${folder}:/data`, 'busybox', 'touch', '/data/x');
    await refused(1, denied, '-v', `${folder}/secret:/data/secret`, 'busybox', 'cat', '/data/secret');
  });

  it('is no disk that the user may not write', async () => {
    const path = secret('roots.raw', (disk) => makeRawDisk(disk, 16));
    const words = /roots.raw may not be written by hyperd: see its owner and mode, or mount it with ro/;
    await refused(125, words, '--mount', `type=disk,source=${path},target=/data`, 'busybox', 'true');
  });

  it('is no socket that the user may not connect to', async () => {
    buildStatic(join(repository, 'test/sockets/socket-client.c'), join(folder, 'client'));
    const server = createServer((socket) => socket.end('secret')).listen(join(folder, 'roots.sock'));
    try {
      await once(server, 'listening');
      chmodSync(join(folder, 'roots.sock'), 0o600);
      const mounts = ['-v', `${folder}:/program:ro`, '-v', `${folder}/roots.sock:/run/test.sock`];
      const { stdout } = await hyperd.hyper(['run', '--rm', ...mounts, 'busybox', '/program/client', '/run/test.sock']);
      assert.equal(stdout, '');
    } finally {
      server.close();
    }
  });
});
