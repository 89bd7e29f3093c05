import assert from 'node:assert/strict';
import { chown, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { cliBuilds, type CliBuild } from './cli-builds.ts';
import { collectResult, spawnCli, type CliResult } from './run-cli.ts';

/** Root's own paths are the machine's: these tests are someone else. */
const nobody = 65534;
const asUser = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {};

/** A hyperd that locks, listens, lists no pods, and tells where it was started. */
const daemonSource = `#!${process.execPath}
const { mkdirSync, writeFileSync } = require('node:fs');
const run = process.env.XDG_RUNTIME_DIR + '/hyper';
try { mkdirSync(run + '/lock'); } catch { process.exit(75); }
if (process.env.FAIL) { console.error('no QEMU was found: install qemu-system-x86'); process.exit(1); }
writeFileSync(run + '/started-' + process.pid, '');
require('node:http').createServer((request, response) => response.end('[]')).listen(run + '/hyper.sock');
`;

class Home implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<Home> {
    const folder = await mkdtemp(join(tmpdir(), 'hyper-cli-'));
    await writeFile(join(folder, 'hyperd'), daemonSource, { mode: 0o755 });
    if (asUser.uid !== undefined) await chown(folder, asUser.uid, asUser.gid);
    return new Home(folder);
  }

  /** The CLI as this home's user; the hyperd on its PATH is ours. */
  list(build: CliBuild, env: Readonly<Record<string, string>> = {}): Promise<CliResult> {
    const home = { HYPER_AUTOSTART: '1', HOME: this.folder, XDG_RUNTIME_DIR: this.folder };
    const path = `${this.folder}:${process.env.PATH ?? ''}`;
    return collectResult(spawnCli(build, ['list', '-q'], { ...home, PATH: path, ...env }, asUser));
  }

  async daemons(): Promise<number[]> {
    const files = await readdir(join(this.folder, 'hyper')).catch(() => []);
    return files.flatMap((file) => (file.startsWith('started-') ? [Number(file.slice('started-'.length))] : []));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pid of await this.daemons()) process.kill(pid);
    await rm(this.folder, { recursive: true, force: true });
  }
}

for (const build of cliBuilds) {
  // Beside our own builds lies the real hyperd: copies that stand alone find the one on the PATH.
  describe(`starting the daemon, ${build.name}`, { timeout: 60_000 }, () => {
    it('starts this user’s hyperd when none answers, and says so', async () => {
      await using home = await Home.make();
      const first = await home.list(build);
      assert.equal(first.code, 0, first.stderr);
      assert.equal(first.stderr, `hyper: starting hyperd (log: ${home.folder}/hyper/hyperd.log)\n`);
      const second = await home.list(build, { HYPER_HOST: `unix://${home.folder}/hyper/hyper.sock` });
      assert.deepEqual([second.code, second.stderr], [0, '']);
      assert.equal((await home.daemons()).length, 1);
    });

    it('makes one daemon however many start it at once', async () => {
      await using home = await Home.make();
      const results = await Promise.all(Array.from({ length: 4 }, () => home.list(build)));
      for (const result of results) assert.equal(result.code, 0, result.stderr);
      assert.equal((await home.daemons()).length, 1);
    });

    it('shows what hyperd said when it cannot start', async () => {
      await using home = await Home.make();
      const failed = await home.list(build, { FAIL: '1' });
      assert.equal(failed.code, 1);
      assert.match(failed.stderr, /hyperd ended with exit code 1: its log .* says: no QEMU was found/);
      assert.equal((await readFile(join(home.folder, 'hyper/hyperd.log'))).length > 0, true);
    });

    it('does not start one with HYPER_AUTOSTART=0, nor where another host was named', async () => {
      await using home = await Home.make();
      const line = "hyper: Cannot connect to the Hyper daemon. Is 'hyperd' running on this host?\n";
      for (const env of [{ HYPER_AUTOSTART: '0' }, { HYPER_HOST: 'unix:///nonexistent/hyper.sock' }]) {
        const refused = await home.list(build, env);
        assert.deepEqual([refused.code, refused.stderr], [1, line]);
      }
      assert.deepEqual(await home.daemons(), []);
    });
  });
}
