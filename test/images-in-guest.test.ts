import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, open, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { busyboxImage, busyboxTar, debianImage, tarMaker, unpackWithUmoci } from './images/index.ts';
import { missingParents, oddTars } from './images/odd-image.ts';
import { compareTrees, readTree, type Tree, type TreeEntry } from './judges/index.ts';
import { startDockerd } from './servers/index.ts';
import { TestHyperd } from './support/hyperd.ts';

const run = promisify(execFile);
const { file, folder, header, link, pax, tar } = tarMaker;
const notRoot = process.getuid?.() === 0 ? false : 'needs root: network namespaces, owners and devices';

/** Docker's registry in the network namespace of a hyperd, which is alone there: any port is free. */
class Registry implements AsyncDisposable {
  readonly host = '127.0.0.1:5000';
  readonly #by: readonly string[];
  readonly #child: ReturnType<typeof spawn>;

  private constructor(by: readonly string[], child: ReturnType<typeof spawn>) {
    this.#by = by;
    this.#child = child;
  }

  static async start(namespace: string, work: string): Promise<Registry> {
    const config = join(work, 'registry.yml');
    const storage = { filesystem: { rootdirectory: join(work, 'registry') } };
    await writeFile(config, JSON.stringify({ version: '0.1', storage, http: { addr: '127.0.0.1:5000' } }));
    const by = ['netns', 'exec', namespace];
    const child = spawn('ip', [...by, 'docker-registry', 'serve', config], { stdio: ['ignore', 'ignore', 'pipe'] });
    for await (const line of createInterface(child.stderr)) if (line.includes('listening on')) break;
    child.stderr.resume(); // unread output would stop it
    return new Registry(by, child);
  }

  async push(layout: string, name: string): Promise<void> {
    const copy = ['skopeo', '--insecure-policy', 'copy', '-q', '--dest-tls-verify=false'];
    await run('ip', [...this.#by, ...copy, `oci:${layout}:latest`, `docker://${this.host}/${name}`]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill();
    await ended;
  }
}

/** Bytes that the store takes on the disk. */
async function allocated(hyperd: TestHyperd): Promise<number> {
  return Number((await run('du', ['-s', '--block-size=1', hyperd.root])).stdout.split('\t')[0]);
}

describe('an image from a registry', { skip: notRoot, timeout: 300_000, concurrency: 1 }, () => {
  let work = '';
  let hyperd: TestHyperd;
  let registry: Registry;
  const name = '127.0.0.1:5000/debian:12';

  before(async () => {
    work = await mkdtemp(join(tmpdir(), 'hyper-images-in-guest-'));
    hyperd = await TestHyperd.start();
    registry = await Registry.start(hyperd.namespace, work);
    await registry.push(await debianImage(), 'debian:12');
  });
  after(async () => {
    await registry[Symbol.asyncDispose]();
    await hyperd[Symbol.asyncDispose]();
    await rm(work, { recursive: true, force: true });
  });

  it('is pulled by the first run, in lines on stderr, and not again by the second', async () => {
    const empty = await allocated(hyperd);
    const first = await hyperd.hyper(['run', '--rm', name, 'cat', '/etc/debian_version']);
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stdout, /^12\.\d+\n$/);
    const progress = first.stderr.split('\n');
    assert.equal(progress[0], `Unable to find image '${name}' locally`);
    assert.equal(progress[1], `Pulling ${name} from ${registry.host}`);
    assert.match(first.stderr, /^[0-9a-f]{12}: Downloading\n(?:.*\n)*?[0-9a-f]{12}: Pull complete$/m);
    assert.match(first.stderr, /^Digest: sha256:[0-9a-f]{64}$/m);
    assert.match(progress.at(-2) ?? '', /^POD id is pod-[A-Za-z]{10}$/);
    assert.doesNotMatch(first.stderr, /[\x1b\r]/);

    const second = await hyperd.hyper(['run', '--rm', name, 'cat', '/etc/debian_version']);
    assert.equal(second.stdout, first.stdout);
    assert.match(second.stderr, /^POD id is pod-[A-Za-z]{10}\n$/);

    const images = await hyperd.hyper(['images']);
    assert.match(images.stdout, /^127\.0\.0\.1:5000\/debian +12 +[0-9a-f]{12} .* 1\d\dMB$/m);

    const created = await hyperd.hyper(['create', '--name', 'user', name]);
    assert.equal(created.code, 0, created.stderr);
    const refused = await hyperd.hyper(['rmi', name]);
    assert.deepEqual(
      [refused.code, refused.stdout, refused.stderr],
      [1, '', `hyper: ${name} is in use by user: remove that first, or use force\n`],
    );
    assert.equal((await hyperd.hyper(['rm', 'user'])).code, 0);
    const full = await allocated(hyperd);
    const removed = await hyperd.hyper(['rmi', name]);
    assert.equal(removed.code, 0, removed.stderr);
    assert.match(removed.stdout, /^Untagged: 127\.0\.0\.1:5000\/debian:12\n(?:.*\n)*Deleted: sha256:[0-9a-f]{64}\n/);
    assert.doesNotMatch((await hyperd.hyper(['images'])).stdout, /debian/);
    const left = (await allocated(hyperd)) - empty;
    // The formatted scratch disk that later pods copy stays; the image's 150 MB do not.
    assert.ok(full - empty > 150e6 && left < 40e6, `${full - empty} bytes with the image, ${left} without`);
  });

  it('is asked for again by --pull always, never by --pull never', async () => {
    const moving = `${registry.host}/moving:1`;
    const imageOf = async (pod: string): Promise<string | undefined> =>
      (await hyperd.client.podInspect(pod)).containers[0]?.imageId;
    const never = await hyperd.hyper(['run', '--pull', 'never', moving]);
    assert.deepEqual(
      [never.code, never.stdout, never.stderr],
      [125, '', `hyper: no such image: ${moving}: pull it with 'hyper pull ${moving}'\n`],
    );
    await registry.push(await busyboxImage(), 'moving:1');
    assert.equal((await hyperd.hyper(['create', '--name', 'old', moving])).code, 0);
    await registry.push(await debianImage(), 'moving:1');
    assert.equal((await hyperd.hyper(['create', '--name', 'same', moving])).code, 0);
    assert.equal(await imageOf('same'), await imageOf('old'));
    const fresh = await hyperd.hyper(['create', '--pull', 'always', '--name', 'new', moving]);
    assert.match(fresh.stderr, /^Pulling .*\n(?:.*\n)*Digest: sha256:/);
    assert.notEqual(await imageOf('new'), await imageOf('old'));
    const again = await hyperd.hyper(['create', '--pull', 'always', '--name', 'newer', moving]);
    assert.match(again.stderr, /^[0-9a-f]{12}: Already exists$/m);
    assert.doesNotMatch(again.stderr, /Downloading/);
    assert.equal(await imageOf('newer'), await imageOf('new'));
    const left = await hyperd.hyper(['rm', 'old', 'same', 'new', 'newer']);
    assert.equal(left.code, 0, left.stderr);
  });
});

/** Run in a Debian container: every path with what lstat, readlink, llistxattr and a hash say, in four lists. */
const script = `set -eu
find / -xdev -print0 | xargs -0 stat --printf='%f %u %g %.9Y %s %h %i %t:%T %n\\0'; printf '\\0'
find / -xdev -type l -printf '%p\\0%l\\0'; printf '\\0'
find / -xdev -type f -print0 | xargs -0 sha256sum --zero; printf '\\0'
find / -xdev -print0 | perl -0 -ne 'chomp; $path = $_; $names = "\\0" x 65536;
  $size = syscall(195, $path, $names, 65536);
  die "llistxattr $path: $!" if $size < 0;
  for $name (split /\\0/, substr($names, 0, $size)) {
    $value = "\\0" x 65536; $length = syscall(192, $path, $name, $value, 65536);
    die "lgetxattr $path: $!" if $length < 0;
    print "$path\\0$name\\0", unpack("H*", substr($value, 0, $length)), "\\0";
  }'
printf '\\0'
`;

/** What the script prints as a tree: independent of what wrote the image and of the host's kernel. */
function parseListing(stdout: string): Tree {
  const at = (path: string): string => (path === '/' ? '.' : path.slice(1));
  const tree = new Map<string, TreeEntry>();
  const [stats = '', links = '', hashes = '', xattrs = '', rest] = splitLists(stdout);
  assert.equal(rest, undefined);
  for (const line of stats.split('\0')) {
    const fields = /^([0-9a-f]+) (\d+) (\d+) (-?)(\d+)\.(\d{9}) (\d+) (\d+) (\d+) ([0-9a-f]+):([0-9a-f]+) (.*)$/s;
    const found = fields.exec(line);
    assert.ok(found, JSON.stringify(line));
    const [, mode = '', uid, gid, sign = '', seconds = '', nanoseconds = '', size, nlink, inode = ''] = found;
    const [major = '', minor = '', path = ''] = found.slice(10);
    const type = Number.parseInt(mode, 16) & 0o170000;
    const isDevice = type === 0o020000 || type === 0o060000;
    tree.set(at(path), {
      path: at(path),
      type,
      mode: Number.parseInt(mode, 16) & 0o7777,
      uid: Number(uid),
      gid: Number(gid),
      mtime: String(BigInt(`${sign}${seconds}${nanoseconds}`)),
      size: type === 0o040000 ? 0 : Number(size),
      nlink: Number(nlink),
      inode,
      rdev: isDevice ? `${Number.parseInt(major, 16)}:${Number.parseInt(minor, 16)}` : '',
      link: '',
      hash: '',
      xattrs: {},
    });
  }
  const change = (path: string, what: (entry: TreeEntry) => Partial<TreeEntry>): void => {
    const entry = tree.get(at(path));
    assert.ok(entry, path);
    tree.set(at(path), { ...entry, ...what(entry) });
  };
  for (const [path = '', target = ''] of groups(links, 2)) change(path, () => ({ link: target }));
  for (const line of hashes.split('\0')) change(line.slice(66), () => ({ hash: line.slice(0, 64) }));
  for (const [path = '', key = '', value = ''] of groups(xattrs, 3)) {
    change(path, (entry) => ({ xattrs: { ...entry.xattrs, [key]: value } }));
  }
  return tree;
}

/** Each list's items end with NUL, and it with one more. No item of ours is empty. */
function splitLists(stdout: string): string[] {
  return stdout.split('\0\0').flatMap((list) => (list === '' ? [] : [list]));
}

function groups(list: string, size: number): string[][] {
  const items = list.split('\0');
  assert.equal(items.length % size, 0);
  return Array.from({ length: items.length / size }, (_, at) => items.slice(at * size, at * size + size));
}

/** What the pod itself puts over the image, or what cannot be seen in a container: `trusted.*` needs CAP_SYS_ADMIN. */
function seenInContainer(tree: Tree): Tree {
  const covered = /^(?:dev|proc|sys|etc\/(?:hostname|hosts|machine-id|resolv\.conf))(?:\/|$)/;
  const entries = [...tree].filter(([path]) => !covered.test(path));
  return new Map(
    entries.map(([path, entry]) => {
      const xattrs = Object.entries(entry.xattrs).filter(([key]) => !key.startsWith('trusted.'));
      return [path, { ...entry, xattrs: Object.fromEntries(xattrs.sort(([a], [b]) => (a < b ? -1 : 1))) }];
    }),
  );
}

/** Mounting over it and writing `/etc/hostname` touches these folders. */
const touched = ['.', 'etc'];
const victim = { content: 'the content of a victim. ', target: 'the-target-of-a-victim' } as const;

/** Device nodes outside of /dev, capabilities, and what is damaged later. */
function extraLayer(): Buffer {
  return tar(
    folder('extra', { mtime: 1_500_000_000 }),
    header({ name: 'extra/char', type: '3', major: 10, minor: 300, mode: 0o640, uid: 7 }),
    header({ name: 'extra/block', type: '4', major: 259, minor: 70_000, mode: 0o660, gid: 6 }),
    header({ name: 'extra/pipe', type: '6', mode: 0o622 }),
    pax([['SCHILY.xattr.user.on-folder', 'f']]),
    folder('extra/deep', { mode: 0o2750, uid: 1000, gid: 1000 }),
    file('extra/damaged-content', victim.content.repeat(1000)),
    link('extra/damaged-target', victim.target, '2'),
  );
}

/** A hundred layers that add, replace, hide and cut off what is below them. */
function stackOfLayers(): Buffer[] {
  return Array.from({ length: 100 }, (_, at) =>
    tar(
      folder('stack', { mtime: at }),
      file(`stack/${at}`, `content ${at}`),
      ...(at % 3 === 2 ? [file(`stack/.wh.${at - 1}`)] : []),
      ...(at % 10 === 5 ? [file('stack/twice', 'first'), file('stack/twice', `the last of ${at}`)] : []),
      ...(at % 10 === 7 ? [link(`stack/link-${at}`, `stack/twice`)] : []),
      ...(at % 20 === 8 ? [folder('stack/deep'), file('stack/deep/.wh..wh..opq'), file(`stack/deep/${at}`)] : []),
      ...(at === 60 ? [file('stack/.wh..wh..opq')] : []),
    ),
  );
}

describe('an image of Debian and a hundred layers', { skip: notRoot, timeout: 600_000, concurrency: 1 }, () => {
  let work = '';
  let hyperd: TestHyperd;
  let expected: Tree;
  const name = 'everything:1';
  const timeless = [...missingParents, ...touched];

  before(async () => {
    work = await mkdtemp(join(tmpdir(), 'hyper-everything-'));
    hyperd = await TestHyperd.start();
    const layout = join(work, 'layout');
    await cp(await debianImage(), layout, { recursive: true });
    const paths = await oddTars(work);
    for (const [at, bytes] of [extraLayer(), ...stackOfLayers()].entries()) {
      const path = join(work, `layer-${at}.tar`);
      await writeFile(path, bytes);
      paths.push(path);
    }
    for (const path of paths) await run('umoci', ['raw', 'add-layer', '--image', `${layout}:latest`, path]);
    const archive = join(work, 'everything.tar');
    await run('skopeo', ['--insecure-policy', 'copy', '-q', `oci:${layout}:latest`, `oci-archive:${archive}:${name}`]);
    const loaded = await hyperd.hyper(['load', '-q', '-i', archive]);
    assert.equal(loaded.code, 0, loaded.stderr);
    await rm(archive);
    expected = seenInContainer(await readTree(await unpackWithUmoci(layout, join(work, 'bundle'))));
    assert.ok(expected.size > 8000, `${expected.size} paths`);
  });
  after(async () => {
    await hyperd[Symbol.asyncDispose]();
    await rm(work, { recursive: true, force: true });
  });

  async function differences(): Promise<string[]> {
    const ran = await hyperd.hyper(['run', '--rm', '-m', '512', name, 'sh', '-c', script]);
    assert.equal(ran.code, 0, ran.stderr);
    return compareTrees(seenInContainer(parseListing(ran.stdout)), expected, { timeless });
  }

  it('reads in the guest, every path and byte, as umoci unpacks it', async () => {
    assert.deepEqual(await differences(), []);
  });

  it('is seen to differ when a byte of its data or of its metadata is flipped', async () => {
    await flipByteOf(victim.content, join(hyperd.root, 'layers'));
    await flipByteOf(victim.target, join(hyperd.root, 'images'));
    const found = await differences();
    assert.equal(found.length, 2, found.join('\n'));
    assert.match(found.join('\n'), /^"extra\/damaged-content": hash is [0-9a-f]{64}, should be/m);
    assert.match(
      found.join('\n'),
      /^"extra\/damaged-target": link is \u0001?[^,]+, should be the-target-of-a-victim$/m,
    );
  });
});

/** Changes the first byte of the only place below a folder where some text is. */
async function flipByteOf(text: string, below: string): Promise<void> {
  let flipped = 0;
  for (const entry of await readdir(below, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    if (!['data', 'index'].includes(entry.name) && !below.endsWith('images')) continue;
    const offset = (await readFile(path)).indexOf(text);
    if (offset === -1) continue;
    await using damaged = await open(path, 'r+');
    await damaged.write(Buffer.from('X'), 0, 1, offset);
    flipped++;
  }
  assert.equal(flipped, 1);
}

describe('an image in an archive', { skip: notRoot, timeout: 120_000 }, () => {
  it('is loaded from a file and from stdin, of docker save and as an OCI layout, and runs', async () => {
    await using stack = new AsyncDisposableStack();
    const work = stack.adopt(await mkdtemp(join(tmpdir(), 'hyper-archives-')), (path) => rm(path, { recursive: true }));
    const hyperd = stack.use(await TestHyperd.start());
    const source = `oci:${await busyboxImage()}:latest`;
    const copy = async (kind: string, name: string): Promise<string> => {
      const path = join(work, `${kind}.tar`);
      await run('skopeo', ['--insecure-policy', 'copy', '-q', source, `${kind}:${path}:${name}`]);
      return path;
    };
    const docker = await copy('docker-archive', 'loaded/docker:1');
    const oci = await copy('oci-archive', 'loaded/oci:1');

    const fromFile = await hyperd.hyper(['load', '-i', docker]);
    assert.deepEqual(
      [fromFile.code, fromFile.stdout],
      [0, 'Loaded image: docker.io/loaded/docker:1\n'],
      fromFile.stderr,
    );
    const fromInput = await hyperd.hyper(['load'], { input: await readFile(oci) });
    assert.deepEqual(
      [fromInput.code, fromInput.stdout],
      [0, 'Loaded image: docker.io/loaded/oci:1\n'],
      fromInput.stderr,
    );
    assert.match(fromInput.stderr, /^[0-9a-f]{12}: Already exists$/m);

    const swapped = await hyperd.hyper(['load', '-q'], { input: await readFile(docker) });
    assert.deepEqual([swapped.code, swapped.stderr], [0, '']);
    assert.equal((await hyperd.hyper(['load', '-q', '-i', oci])).code, 0);
    const ran = await hyperd.hyper(['run', '--rm', 'loaded/docker:1', 'head', '-n', '1', '/etc/passwd']);
    assert.equal(ran.stdout, 'root:x:0:0:root:/root:/bin/sh\n', ran.stderr);

    const cut = await hyperd.hyper(['load'], { input: (await readFile(docker)).subarray(0, 700_000) });
    assert.equal(cut.code, 1);
    assert.match(cut.stderr, /^hyper: .*\n$/m);
    const nothing = await hyperd.hyper(['load'], { input: 'this is no archive' });
    assert.equal(nothing.code, 1);
    assert.match(nothing.stderr, /^hyper: .*\n$/);
  });
});

describe('an image that the machine’s Docker has', { skip: notRoot, timeout: 120_000 }, () => {
  it('runs by its name in Docker, without a pull', async () => {
    await using dockerd = await startDockerd();
    await dockerd.docker('import', '--change', 'ENV FROM=docker', await busyboxTar(), 'imported:1');
    process.env['DOCKER_HOST'] = dockerd.host;
    await using hyperd = await TestHyperd.start();
    delete process.env['DOCKER_HOST'];

    const ran = await hyperd.hyper(['run', '--rm', 'imported:1', '/bin/sh', '-c', 'echo from $FROM']);

    assert.deepEqual([ran.code, ran.stdout], [0, 'from docker\n'], ran.stderr);
    assert.match(ran.stderr, /^POD id is pod-[A-Za-z]{10}\n$/);
    assert.match((await hyperd.hyper(['images'])).stdout, /^imported +1 /m);
  });
});
