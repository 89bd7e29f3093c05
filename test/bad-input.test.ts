import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { isDeepStrictEqual, promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { tarMaker } from './images/index.ts';
import { digestOf, incompressible, tinyImage, tinyLayer, writeOciLayout, type TinyImage } from './servers/index.ts';
import { TestHyperd } from './support/hyperd.ts';
import { assertRefused, onSmallDisk, traces, until } from './support/refusal.ts';

const run = promisify(execFile);
const notRoot = process.getuid?.() === 0 ? false : 'needs root: network namespaces';

/** Where the registry is, in the network namespace of its hyperd, which is alone there. */
const host = '127.0.0.1:5000';

/** Docker's registry beside a hyperd. */
class Registry implements AsyncDisposable {
  readonly #work: string;
  readonly #by: readonly string[];
  /** SIGSTOP: what it is asked from then on hangs. */
  readonly child: ChildProcess;

  constructor({ namespace }: TestHyperd, work: string, config: string) {
    this.#work = work;
    this.#by = ['netns', 'exec', namespace];
    const stdio = ['ignore' as const, 'ignore' as const, 'pipe' as const];
    this.child = spawn('ip', [...this.#by, 'docker-registry', 'serve', config], { stdio });
  }

  static async start(hyperd: TestHyperd, work: string, addr = host, auth?: object): Promise<Registry> {
    const storage = { filesystem: { rootdirectory: join(work, 'registry') } };
    const config = join(work, `registry-${addr}.yml`);
    await writeFile(config, JSON.stringify({ version: '0.1', storage, auth, http: { addr } }));
    const registry = new Registry(hyperd, work, config);
    const log = registry.child.stderr ?? assert.fail();
    for await (const line of createInterface(log)) if (line.includes('listening on')) break;
    log.resume(); // unread output would stop it
    return registry;
  }

  async push(name: string, image: TinyImage): Promise<void> {
    const layout = await mkdtemp(join(this.#work, 'layout-'));
    await writeOciLayout(layout, { pushed: image });
    const copy = ['skopeo', '--insecure-policy', 'copy', '-q', '--dest-tls-verify=false'];
    await run('ip', [...this.#by, ...copy, `oci:${layout}:pushed`, `docker://${host}/${name}`]);
  }

  /** The file that it serves a blob from. */
  blob(digest: string): string {
    const hex = digest.slice('sha256:'.length);
    return join(this.#work, 'registry/docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }
}

describe('an image that cannot be had', { skip: notRoot, timeout: 300_000, concurrency: 1 }, () => {
  let work = '';
  let hyperd: TestHyperd;
  let registry: Registry;
  before(async () => {
    work = await mkdtemp(join(tmpdir(), 'hyper-bad-image-'));
    process.env['DOCKER_CONFIG'] = work; // hyperd looks for logins there
    hyperd = await TestHyperd.start({ maxLayerBytes: 8 << 20 });
    registry = await Registry.start(hyperd, work);
  });
  after(async () => {
    for (const thing of [registry, hyperd]) await thing[Symbol.asyncDispose]();
    await rm(work, { recursive: true });
  });
  const refused = (args: readonly string[], code: number, line: RegExp): Promise<void> =>
    assertRefused(hyperd, args, code, line);

  it('is not there: the name, the tag, the registry', async () => {
    await registry.push('app:1', tinyImage());
    await refused(['run', '--rm', `${host}/no:1`, 'true'], 125, /^hyper: .* has no .*\/no:1: check name and tag$/);
    await refused(['pull', `${host}/app:2`], 1, /^hyper: 127.0.0.1:5000 has no .*\/app:2: check name and tag$/);
    await refused(['pull', '127.0.0.1:1/app'], 1, /^hyper: cannot reach 127\.0\.0\.1:1: .*ECONNREFUSED/);
    await refused(['pull', 'registry.invalid/app'], 1, /^hyper: cannot reach registry\.invalid: /);
    await refused(['pull', `${host}/App:1`], 1, /^hyper: .* is no image reference: the name must be lower case$/);
    await refused(['rmi', 'nothing'], 1, /^hyper: no such image: nothing: /);
  });

  it('is for another processor', async () => {
    await registry.push('arm:1', tinyImage({ architecture: 'arm64' }));
    await refused(['run', `${host}/arm:1`], 125, /^hyper: .* is for linux\/arm64: this machine runs linux\/amd64$/);
  });

  it('wants a login, or another one', async () => {
    const htpasswd = join(work, 'htpasswd');
    await writeFile(htpasswd, (await run('htpasswd', ['-Bbn', 'alice', 'secret'])).stdout);
    const auth = { htpasswd: { realm: 'test', path: htpasswd } };
    await using servers = new AsyncDisposableStack();
    servers.use(await Registry.start(hyperd, work, '127.0.0.1:5001', auth));
    const private1 = '127.0.0.1:5001/app:1';
    await refused(['pull', private1], 1, /^hyper: .* wants a login: run 'docker login 127\.0\.0\.1:5001'$/);
    const logins = join(work, 'config.json');
    await writeFile(logins, JSON.stringify({ auths: { '127.0.0.1:5001': { auth: btoa('alice:wrong') } } }));
    await refused(['pull', private1], 1, /^hyper: .*login was refused .*: run 'docker login 127\.0\.0\.1:5001'$/);
    await writeFile(logins, '{"auths": [');
    await refused(['pull', private1], 1, /^hyper: cannot read the logins in .*\/config\.json: /);
    await rm(logins);
  });

  it('has a layer that was damaged, cut off, or says another digest than it has', async () => {
    const image = (seed: number): TinyImage =>
      tinyImage({ layers: [tinyLayer({ good: `${seed}` }), tinyLayer({ bytes: incompressible(100_000, seed) })] });
    const [flipped, cut, lying] = [image(1), image(2), image(3)];
    for (const [name, each] of Object.entries({ flipped, cut, lying })) await registry.push(`${name}:1`, each);
    const path = registry.blob(flipped.layers[1]?.digest ?? '');
    const bytes = await readFile(path);
    bytes[50_000] = (bytes[50_000] ?? 0) ^ 1;
    await writeFile(path, bytes);
    await refused(['pull', `${host}/flipped:1`], 1, /^hyper: .*(layer|digest|corrupt|decompressed)/);
    await truncate(registry.blob(cut.layers[1]?.digest ?? ''), 50_000);
    await refused(['pull', `${host}/cut:1`], 1, /^hyper: layer .* 50000 bytes, not 100\d+/);
    await copyFile(registry.blob(cut.manifest.digest), registry.blob(lying.manifest.digest));
    const byDigest = `${host}/lying@${lying.manifest.digest}`;
    await refused(['pull', byDigest], 1, /^hyper: .* has the digest sha256:[0-9a-f]+, not sha256:[0-9a-f]+: refused$/);
  });

  it('has a layer that leads out of its folder, that bursts, or is no tar', async () => {
    const { file, link, tar } = tarMaker;
    const layers = {
      parent: { '../../escaped': 'x' },
      bomb: { zeros: Buffer.alloc(9 << 20) },
    };
    for (const [name, files] of Object.entries(layers)) {
      await registry.push(`${name}:1`, tinyImage({ layers: [tinyLayer(files)] }));
    }
    // What leads out by a link stays in the image: nothing is unpacked on this host.
    await refused(['pull', `${host}/parent:1`], 1, /^hyper: .*an entry leaves its folder: .*\.\.\/\.\.\/escaped/);
    await refused(['pull', `${host}/bomb:1`], 1, /^hyper: .*(8388608|larger|more than)/);
    const victim = join(work, 'victim');
    await mkdir(victim);
    const through = tar(link('way', victim, '2'), file('way/written', 'x'), link('hard', '../../../etc/passwd'));
    const layer = { ...tinyLayer({}), tar: through, bytes: gzipSync(through) };
    const digests = { digest: digestOf(layer.bytes), diffId: digestOf(through) };
    await registry.push('through:1', tinyImage({ layers: [{ ...layer, ...digests }] }));
    await refused(['pull', `${host}/through:1`], 1, /^hyper: .*a hard link leaves the image: .*\.\.\/etc\/passwd/);
    assert.deepEqual(await readdir(victim), []);
  });

  it('does not fit on the disk', async () => {
    const layers = [1, 2, 3, 4].map((seed) => tinyLayer({ [`${seed}`]: incompressible(7_000_000, seed) }));
    await registry.push('huge:1', tinyImage({ layers }));
    await onSmallDisk(hyperd, 20, () =>
      refused(
        ['pull', `${host}/huge:1`],
        1,
        /^hyper: no space left on the disk: free some \('hyper system df' shows what uses it\) and try again$/,
      ),
    );
  });

  it('is interrupted by Ctrl-C, while its registry is silent and while a layer comes', async () => {
    const before = await traces(hyperd);
    const big = tinyImage({ layers: [tinyLayer({ big: incompressible(7 << 20) })] });
    await registry.push('big:1', big);
    for (const stopAt of ['Pulling', ': Downloading']) {
      const [file, args, env] = hyperd.command(['run', '--rm', `${host}/big:1`]);
      if (stopAt === 'Pulling') registry.child.kill('SIGSTOP');
      const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
      const closed = once(child, 'close');
      const said: string[] = [];
      for await (const line of createInterface(child.stderr)) {
        said.push(line);
        if (line.includes(stopAt)) break;
      }
      registry.child.kill('SIGSTOP');
      child.kill('SIGINT');
      await closed;
      registry.child.kill('SIGCONT');
      assert.ok(child.exitCode === 130 || child.signalCode === 'SIGINT', `${said.join('\n')}, code ${child.exitCode}`);
      await until(async () => isDeepStrictEqual(await traces(hyperd), before));
    }
    // And the same pull works afterwards.
    const pulled = await hyperd.hyper(['pull', '-q', `${host}/big:1`]);
    assert.equal(pulled.code, 0, pulled.stderr);
  });
});

const commandLines: readonly (readonly [args: string, code: number, line: RegExp])[] = [
  ['rnu busybox', 2, /^hyper: unknown command 'rnu': did you mean run\?$/],
  ['run --nmae x busybox', 2, /^hyper: unknown option '--nmae': did you mean --name\?$/],
  ['run', 2, /^hyper: missing required argument 'image': see 'hyper run --help'$/],
  ['run --memory abc busybox', 2, /^hyper: --memory is 'abc': give a number of MB/],
  ['run --memory 1 busybox', 2, /^hyper: --memory is '1': give at least 96m$/],
  ['run --cpu 0 busybox', 2, /^hyper: --cpu is '0': give a whole number of 1 to 64$/],
  ['run -e =x busybox', 2, /^hyper: --env is '=x': give NAME=VALUE/],
  ['run --ulimit nope=1 busybox', 125, /^hyper: no such ulimit: nope: use one of core, /],
  ['run -w here busybox', 2, /^hyper: --workdir is 'here': it must be an absolute path$/],
  ['run --pull sometimes busybox', 2, /^hyper: --pull is 'sometimes': give one of always, missing, never$/],
  ['run --name a/b busybox', 2, /^hyper: --name is 'a\/b': it must be letters, digits/],
  ['run -it busybox', 2, /^hyper: the input device is not a TTY/],
  ['run --entrypoint= busybox', 125, /^hyper: no command specified/],
  [
    'run -m 900000 --rm busybox',
    125,
    /^hyper: a VM of 900000 MiB needs up to 900112 MiB and VMs may have \d+: give it less with --memory, or raise/,
  ],
  ['stop nothing', 1, /^hyper: no such pod or container: nothing: see 'hyper list'$/],
  ['exec nothing true', 125, /^hyper: no such pod or container: nothing: see 'hyper list'$/],
  ['create --name taken busybox', 1, /^hyper: the name taken is taken: choose another, or remove that pod$/],
];

describe('a command line that is wrong', { skip: notRoot, timeout: 300_000, concurrency: 1 }, () => {
  let hyperd: TestHyperd;
  before(async () => {
    hyperd = await TestHyperd.start();
    const created = await hyperd.hyper(['create', '--name', 'taken', 'busybox']);
    assert.equal(created.code, 0, created.stderr);
  });
  after(async () => await hyperd[Symbol.asyncDispose]());

  for (const [args, code, line] of commandLines) {
    it(`hyper ${args}`, () => assertRefused(hyperd, args.split(' '), code, line));
  }

  it('names a command or user that the image does not have', async () => {
    const missing = /^hyper: exec: "no-such-command": executable file not found in \$PATH$/;
    await assertRefused(hyperd, ['run', '--rm', 'busybox', 'no-such-command'], 127, missing);
    await assertRefused(hyperd, ['run', '--rm', '-u', 'x:y:z', 'busybox'], 125, /^hyper: .*(user|group) (x|y)/);
  });

  for (const options of [['--rm'], []]) {
    it(`is interrupted by Ctrl-C while the VM boots, ${options[0] ?? 'without --rm'}`, async () => {
      const before = await traces(hyperd);
      const command = ['run', ...options, '--name', 'interrupted', 'busybox', 'sleep', '1000'];
      const [file, args, env] = hyperd.command(command);
      const child = spawn(file, args, { env, stdio: ['ignore', 'inherit', 'pipe'] });
      const closed = once(child, 'close');
      const stderr = child.stderr.toArray();
      await until(() => hyperd.vmProcesses().length > 0);
      child.kill('SIGINT');
      await closed;
      assert.equal(child.exitCode, 130);
      assert.match(Buffer.concat(await stderr).toString(), /^POD id is pod-[A-Za-z]{10}\n$/);
      if (options.length === 0) {
        assert.notEqual((await hyperd.client.podWait('interrupted')).exitCode, 0);
        assert.equal((await hyperd.hyper(['rm', 'interrupted'])).code, 0);
      }
      assert.deepEqual(await traces(hyperd), before);
    });
  }
});
