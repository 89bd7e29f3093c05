import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { skipUnlessRoot } from './network/namespaces.ts';
import { type Finished, TestHyperd } from './support/hyperd.ts';

/** Ways out of a container that other runtimes had to close. `main` is an ordinary pod. */
describe('a container is not left', { skip: skipUnlessRoot }, () => {
  let hyperd: TestHyperd;
  const pod = ['--stop-signal', 'KILL', 'busybox', 'sleep', '100000'];

  before(async () => {
    hyperd = await TestHyperd.start();
    const started = await hyperd.hyper(['run', '-d', '--name', 'main', ...pod]);
    assert.equal(started.code, 0, started.stderr);
  });
  after(async () => await hyperd[Symbol.asyncDispose]());

  const shell = (script: string, ...options: string[]): Promise<Finished> =>
    hyperd.hyper(['exec', ...options, 'main', 'sh', '-c', script]);

  it('by an exec whose folder is a descriptor of the agent (CVE-2024-21626)', async () => {
    for (let descriptor = 3; descriptor <= 40; descriptor++) {
      const folder = `/proc/self/fd/${descriptor}`;
      const { code, stdout, stderr } = await shell('ls -a . ../../..', '-w', folder);
      assert.deepEqual([code, stdout], [126, ''], folder);
      assert.match(stderr, /chdir to cwd .*: (no such file or|not a) directory/, folder);
    }
  });

  it('by a symlink to one, or by a first process’s folder', async () => {
    await shell('for n in $(seq 3 40); do ln -s /proc/self/fd/$n /tmp/$n; done');
    for (let descriptor = 3; descriptor <= 40; descriptor++) {
      const { code, stdout } = await shell('ls -a . ../../..', '-w', `/tmp/${descriptor}`);
      assert.deepEqual([code, stdout], [126, ''], `${descriptor}`);
    }
    // Each boots a VM: only the numbers that the agent's folders and files have.
    for (let descriptor = 4; descriptor <= 9; descriptor++) {
      const options = ['--rm', '-w', `/proc/self/fd/${descriptor}`];
      const { code, stdout } = await hyperd.hyper(['run', ...options, 'busybox', 'ls', '-a', '.', '../../..']);
      assert.deepEqual([code, stdout], [126, ''], `${descriptor}`);
    }
  });

  it('through a process that is joining it', async () => {
    const spy = shell(`
      until found=$(grep -lx init /proc/[0-9]*/comm 2>/dev/null); do :; done
      echo found
      while cd \${found%/comm} 2>/dev/null; do for link in fd/* cwd exe; do readlink $link; done; ls root/; done`);
    // Looking for the command in half a million folders, the process lingers between losing root's powers and exec.
    const { id } = await hyperd.client.execCreate('main', { args: ['nope'], env: [`PATH=${':'.repeat(500_000)}`] });
    await assert.rejects(hyperd.client.execStart(id), { code: 'command_not_found' });
    const { stdout } = await spy;
    assert.equal(stdout, 'found\n');
  });

  it('with powers that a user namespace would give', async () => {
    const { code, stderr } = await shell('unshare -Ur true', '-u', 'nobody');
    assert.notEqual(code, 0);
    assert.match(stderr, /unshare/);
  });
});
