import assert from 'node:assert/strict';
import { chown, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
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
  /** A copy of the build that stands alone: beside the build itself lies the real hyperd. */
  readonly #build: CliBuild;

  private constructor(folder: string, build: CliBuild) {
    this.folder = folder;
    this.#build = build;
  }

  static async make(build: CliBuild): Promise<Home> {
    const folder = await mkdtemp(join(tmpdir(), 'hyper-cli-'));
    await mkdir(join(folder, 'bin'));
    await writeFile(join(folder, 'bin/hyperd'), daemonSource, { mode: 0o755 });
    if (asUser.uid !== undefined) await chown(folder, asUser.uid, asUser.gid);
    const file = build.command.at(-1) ?? '';
    // Node takes a bundle outside our package for an ES module by its name.
    const copy = join(folder, file.endsWith('.js') ? 'bin/hyper.mjs' : 'bin/hyper');
    await copyFile(file, copy);
    const command: CliBuild['command'] = build.command.length === 1 ? [copy] : [build.command[0], copy];
    return new Home(folder, { name: build.name, command });
  }

  /** The CLI as this home's user; the hyperd beside it is ours. */
  list(env: Readonly<Record<string, string>> = {}): Promise<CliResult> {
    const home = { HYPER_AUTOSTART: '1', HOME: this.folder, XDG_RUNTIME_DIR: this.folder };
    return collectResult(spawnCli(this.#build, ['list', '-q'], { ...home, ...env }, asUser));
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
  const skip =
    build.name === 'sources' ? 'the sources cannot be copied beside a hyperd of the test: npm run build' : false;
  describe(`starting the daemon, ${build.name}`, { timeout: 60_000, skip }, () => {
    it('starts this user’s hyperd when none answers, and says so', async () => {
      await using home = await Home.make(build);
      const first = await home.list();
      assert.equal(first.code, 0, first.stderr);
      assert.equal(first.stderr, `hyper: starting hyperd (log: ${home.folder}/hyper/hyperd.log)\n`);
      const second = await home.list({ HYPER_HOST: `unix://${home.folder}/hyper/hyper.sock` });
      assert.deepEqual([second.code, second.stderr], [0, '']);
      assert.equal((await home.daemons()).length, 1);
    });

    it('makes one daemon however many start it at once', async () => {
      await using home = await Home.make(build);
      const results = await Promise.all(Array.from({ length: 4 }, () => home.list()));
      for (const result of results) assert.equal(result.code, 0, result.stderr);
      assert.equal((await home.daemons()).length, 1);
    });

    it('shows what hyperd said when it cannot start', async () => {
      await using home = await Home.make(build);
      const failed = await home.list({ FAIL: '1' });
      assert.equal(failed.code, 1);
      assert.match(failed.stderr, /hyperd ended with exit code 1: its log .* says: no QEMU was found/);
      assert.equal((await readFile(join(home.folder, 'hyper/hyperd.log'))).length > 0, true);
    });

    it('does not start one with HYPER_AUTOSTART=0, nor where another host was named', async () => {
      await using home = await Home.make(build);
      const line = "hyper: Cannot connect to the Hyper daemon. Is 'hyperd' running on this host?\n";
      for (const env of [{ HYPER_AUTOSTART: '0' }, { HYPER_HOST: 'unix:///nonexistent/hyper.sock' }]) {
        const refused = await home.list(env);
        assert.deepEqual([refused.code, refused.stderr], [1, line]);
      }
      assert.deepEqual(await home.daemons(), []);
    });
  });
}
