import assert from 'node:assert/strict';
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { makeOciImage } from './images/index.ts';
import { file, folder, header, link, tar } from './images/tar-maker.ts';
import { type Finished, outputOf, TestHyperd } from './support/hyperd.ts';
import { until } from './support/refusal.ts';
import { buildStatic } from './support/shares.ts';

const run = promisify(execFile);
const mode = (path: string): string => (lstatSync(path).mode & 0o7777).toString(8);

describe('hyper cp', () => {
  let hyperd: TestHyperd;
  const scraps = mkdtempSync(join(tmpdir(), 'hyper-copy-'));
  let here: string;
  let tests = 0;
  const hyper = (...args: string[]): Promise<string> => outputOf(hyperd, args);
  const cp = (...args: string[]): Promise<Finished> => hyperd.hyper(['cp', ...args], { cwd: here });
  const copy = async (...args: string[]): Promise<void> => {
    const { code, stdout, stderr } = await cp(...args);
    assert.deepEqual([code, stdout, stderr], [0, '', ''], args.join(' '));
  };
  const shell = (script: string, pod = 'main'): Promise<string> => hyper('exec', pod, 'sh', '-ec', script);
  const refused = async (args: readonly string[], code: number, why: RegExp, input?: Buffer): Promise<void> => {
    const ended = await hyperd.hyper(['cp', ...args], { cwd: here, ...(input === undefined ? {} : { input }) });
    assert.equal(ended.code, code, `${args.join(' ')}: ${ended.stderr}`);
    assert.match(ended.stderr, why);
  };

  before(async () => {
    hyperd = await TestHyperd.start();
    const mounts = ['-v', 'kept:/volume', '--tmpfs', '/memory', '--stop-signal', 'KILL'];
    await hyper('volume', 'create', 'kept');
    await hyper('run', '-d', '--name', 'main', ...mounts, 'busybox', 'sleep', '100000');
  });
  after(async () => {
    await hyperd[Symbol.asyncDispose]();
    rmSync(scraps, { recursive: true, force: true });
  });
  beforeEach(() => {
    here = join(scraps, String(++tests));
    mkdirSync(here);
  });
  const path = (name: string): string => join(here, name);
  const read = (name: string): string => readFileSync(path(name), 'utf8');

  it('follows docker’s rules into a container', async () => {
    mkdirSync(path('dir'));
    writeFileSync(path('dir/x'), 'x');
    writeFileSync(path('file'), 'file');
    symlinkSync('file', path('soft'));
    await shell(
      'rm -rf /in; mkdir -p /in/there; echo old >/in/old; ln -s there /in/link; ln -s new-by-link /in/dangling',
    );
    await copy('file', 'main:/in/new');
    await copy('file', 'main:in/old');
    await copy('file', 'main:/in/there');
    await copy('dir', 'main:/in/made');
    await copy('dir/.', 'main:/in/made-too');
    await copy('dir', 'main:/in/there/');
    await copy('dir/.', 'main:/in/link');
    await copy('file', 'main:/in/dangling');
    await copy('soft', 'main:/in');
    await copy('-L', 'soft', 'main:/in/followed');
    assert.equal(
      await shell(
        'cd /in; find . -type f | sort; readlink soft; cat old followed new-by-link; echo; readlink dangling',
      ),
      [
        ...[
          './followed',
          './made-too/x',
          './made/x',
          './new',
          './new-by-link',
          './old',
          './there/dir/x',
          './there/file',
        ],
        ...['./there/x', 'file', 'filefilefile', 'new-by-link', ''],
      ].join('\n'),
    );
    await refused(['file', 'main:/in/none/'], 2, /no such directory/);
    await refused(['file', 'main:/in/none/deeper'], 1, /\/in\/none: No such file or directory/);
    await refused(['dir', 'main:/in/old'], 2, /cannot copy a directory over a file/);
    await refused(['file', 'main:/in/old/'], 1, /Not a directory/);
    await refused(['none', 'main:/in'], 2, /none: no such file or directory/);
    await refused(['file', 'main:/dev/null'], 2, /is a device/);
    await refused(['file', 'other'], 2, /one side must be in a container/);
    await refused(['main:/in', 'main:/out'], 2, /between containers/);
    await refused(['file', 'nobody:/in'], 1, /no such pod or container: nobody/);
    await shell('mkdir -p /in/conflict/file');
    await refused(['file', 'main:/in/conflict'], 1, /cannot overwrite directory file with non-directory/);
  });

  it('follows docker’s rules out of a container', async () => {
    await shell(
      'rm -rf /out; mkdir -p /out/dir; echo x >/out/dir/x; echo file >/out/file; ln -s file /out/soft; ln -s /out/dir /out/way',
    );
    mkdirSync(path('there'));
    writeFileSync(path('old'), 'old');
    symlinkSync('there', path('link'));
    await copy('main:/out/file', 'new');
    await copy('main:out/file', 'old');
    await copy('main:/out/file', 'there');
    await copy('main:/out/dir', 'made');
    await copy('main:/out/dir/.', 'made-too');
    await copy('main:/out/dir', 'there/');
    await copy('main:/out/dir/.', 'link');
    await copy('main:/out/soft', '.');
    await copy('-L', 'main:/out/soft', 'followed');
    await copy('-L', 'main:/out/way', '.');
    const found = execFileSync('find', ['.', '-type', 'f'], { cwd: here, encoding: 'utf8' });
    assert.deepEqual(found.trim().split('\n').sort(), [
      ...['./followed', './made-too/x', './made/x', './new', './old', './there/dir/x', './there/file', './there/x'],
      './way/x',
    ]);
    assert.deepEqual([read('old'), read('followed'), readlinkSync(path('soft'))], ['file\n', 'file\n', 'file']);
    await refused(['main:/out/file', 'none/'], 2, /no such directory/);
    await refused(['main:/out/file', 'none/deeper'], 2, /no such file or directory/);
    await refused(['main:/out/dir', 'old'], 2, /cannot copy a directory over a file/);
    await refused(['main:/out/none', '.'], 1, /\/out\/none: No such file or directory/);
    await refused(['main:/out/file/', '.'], 1, /Not a directory/);
    rmSync(path('old'));
    mkdirSync(path('clash/file'), { recursive: true });
    await refused(['main:/out/file', 'clash'], 1, /cannot overwrite directory .* with non-directory/);
  });

  it('keeps modes, times, links and odd names; owners with -a', async () => {
    const long = 'long-'.repeat(45);
    mkdirSync(path(`tree/${long}/${long}`), { recursive: true });
    writeFileSync(path(`tree/${long}/${long}/deep`), 'deep');
    writeFileSync(path('tree/run'), 'run');
    chmodSync(path('tree/run'), 0o4751);
    utimesSync(path('tree/run'), 1_000_000_000, 1_000_000_000);
    linkSync(path('tree/run'), path('tree/same'));
    symlinkSync('/no/where', path('tree/soft'));
    writeFileSync(Buffer.concat([Buffer.from(path('tree/')), Buffer.from([0x66, 0xff])]), 'odd');
    mkdirSync(path('tree/shut'));
    chmodSync(path('tree/shut'), 0o500);
    utimesSync(path('tree/shut'), 1_100_000_000, 1_100_000_000);
    execFileSync('chown', ['-R', '1234:2345', path('tree')]);
    chmodSync(path('tree/run'), 0o4751);
    await copy('tree', 'main:/plain');
    await copy('-a', 'tree', 'main:/owned');
    const stat = "stat -c '%a %u:%g %Y %h'";
    assert.equal(
      await shell(`cd /plain; ${stat} run; readlink soft; [ run -ef same ]`),
      '4751 0:0 1000000000 2\n/no/where\n',
    );
    assert.equal(
      await shell(`cd /owned; ${stat} run shut`),
      '4751 1234:2345 1000000000 2\n500 1234:2345 1100000000 2\n',
    );
    await copy('main:/owned', 'back');
    await copy('-a', 'main:/owned', 'owned');
    assert.deepEqual([mode(path('back/run')), mode(path('owned/run'))], ['751', '4751']);
    assert.deepEqual([statSync(path('back/run')).uid, statSync(path('owned/run')).uid], [process.getuid?.(), 1234]);
    assert.equal(statSync(path('back/shut')).mtimeMs, 1_100_000_000_000);
    assert.equal(statSync(path('back/run')).ino, statSync(path('back/same')).ino);
    assert.equal(read(`back/${long}/${long}/deep`), 'deep');
    const names = (tree: string): string[] => readdirSync(path(tree), 'latin1').sort();
    assert.deepEqual(names('back'), names('tree'));
  });

  it('takes and gives tars, with their extended attributes', async () => {
    mkdirSync(path('src'));
    writeFileSync(path('src/x'), 'x');
    const noted = Buffer.concat([Buffer.from('30 SCHILY.xattr.user.note=yes\n'), Buffer.alloc(512 - 30)]);
    const archive = tar(
      ...[folder('src/'), header({ name: 'pax', type: 'x', size: 30 }), noted],
      ...[file('src/x', 'x', { uid: 7 }), header({ name: 'src/pipe', type: '6' })],
    );
    await shell('rm -rf /tars; mkdir /tars');
    const taken = await hyperd.hyper(['cp', '-', 'main:/tars'], { input: archive });
    assert.deepEqual([taken.code, taken.stderr], [0, '']);
    assert.equal(await shell('cd /tars/src; stat -c "%u %F" x pipe'), '0 regular file\n0 fifo\n');
    const zipped = execFileSync('gzip', ['-c'], { input: archive });
    await shell('rm -rf /tars/src');
    assert.equal((await hyperd.hyper(['cp', '-', 'main:/tars'], { input: zipped })).code, 0);
    await refused(['-', 'main:/tars'], 1, /broken|damaged/, zipped.subarray(0, 60));
    await refused(['-', 'main:/tars'], 1, /compressed with xz/, execFileSync('xz', ['-c'], { input: archive }));
    const given = await cp('main:/tars/src', '-');
    assert.match(given.stdout, /SCHILY\.xattr\.user\.note=yes\n/);
    const listed = execFileSync('tar', ['t'], { input: Buffer.from(given.stdout, 'latin1'), encoding: 'utf8' });
    assert.deepEqual(listed.split('\n').sort(), ['', 'src/', 'src/pipe', 'src/x']);
    const { stdout } = await cp('main:/tars/src/.', '-');
    assert.match(execFileSync('tar', ['t'], { input: Buffer.from(stdout, 'latin1'), encoding: 'utf8' }), /^\.\/$/m);
    await refused(['-', 'main:/tars/src/x'], 2, /must be a directory/, archive);
    await refused(['-', 'main:/tars'], 1, /leads out of the folder/, tar(file('../out', 'x')));
    await refused(['-', 'main:/tars'], 1, /leads out of the folder/, tar(link('in', '../../etc/passwd')));
    await refused(['-', 'main:/tars'], 1, /damaged/, archive.subarray(0, 3000));
    await refused(['-', 'main:/tars'], 1, /damaged/, Buffer.alloc(5000, 'no tar'));
    assert.equal((await hyperd.hyper(['cp', '-', 'main:/tars'], { input: tar(file('/abs', 'x')) })).code, 0);
    assert.equal(await shell('cat /tars/abs; ls -A /tars'), 'xabs\nsrc\n');
  });

  it('hears the answer to a tar with more behind its end', async () => {
    await shell('rm -rf /tars; mkdir /tars');
    const archive = Buffer.concat([tar(file('x', 'x')), Buffer.alloc(32 << 20)]);
    // Cut off, a sender learns of it by chance before it reads the answer.
    for (let turn = 0; turn < 5; turn++) {
      const taken = await hyperd.hyper(['cp', '-', 'main:/tars'], { input: archive });
      assert.deepEqual([taken.code, taken.stderr], [0, '']);
      await refused(['-', 'main:/tars'], 1, /tar/, Buffer.alloc(32 << 20, 'no tar'));
    }
  });

  it('sees what is mounted: volumes, tmpfs and the pod’s own files', async () => {
    writeFileSync(path('file'), 'file');
    await copy('file', 'main:/volume/in');
    await copy('file', 'main:/memory/in');
    await copy('file', 'main:/dev/shm/in');
    assert.equal(await shell('cat /volume/in /memory/in /dev/shm/in'), 'filefilefile');
    await shell('echo of-the-container >/memory/out');
    await copy('main:/memory/out', '.');
    assert.equal(read('out'), 'of-the-container\n');
    writeFileSync(path('hosts'), '127.0.0.1 mine\n');
    await copy('hosts', 'main:/etc/hosts'); // a mount: it is written in place
    assert.equal(await shell('cat /etc/hosts'), '127.0.0.1 mine\n');
    await shell('rm -rf /tars');
    await copy('main:/', 'all');
    assert.deepEqual(readdirSync(path('all/proc')).concat(readdirSync(path('all/sys'))), []);
    assert.equal(read('all/volume/in'), 'file');
    await refused(['main:/dev/zero', '.'], 1, /main:\/dev\/zero is a device or a FIFO: there is nothing to copy/);
    assert.ok(!existsSync(path('zero')));
    await copy('main:/proc/version', '.');
    assert.match(read('version'), /^Linux version/);
  });

  it('is refused in a root that is read-only, but for its volumes', async () => {
    writeFileSync(path('file'), 'file');
    const mounts = ['--read-only', '-v', '/data', '--stop-signal', 'KILL'];
    await hyper('run', '-d', '--name', 'fixed', ...mounts, 'busybox', 'sleep', '100000');
    await refused(['file', 'fixed:/etc'], 1, /container fixed has a read-only root/);
    await copy('file', 'fixed:/data');
    assert.equal(await shell('cat /data/file', 'fixed'), 'file');
    // It is told also to whom has much to send.
    await refused(['-', 'fixed:/etc'], 1, /container fixed has a read-only root/, Buffer.alloc(64 << 20));
    await hyper('pause', 'fixed');
    await refused(['fixed:/data/file', '.'], 1, /pod fixed is paused: unpause it first/);
    await hyper('rm', '-f', 'fixed');
  });

  it('needs nothing of the image', async () => {
    writeFileSync(path('pause.c'), '#include <unistd.h>\nint main(void) { for (;;) pause(); }\n');
    buildStatic(path('pause.c'), path('pause'));
    const program = readFileSync(path('pause'));
    const layer = path('layer.tar');
    // Whatever loaded it would run it: there is no other program, and no library.
    writeFileSync(
      layer,
      tar(file('pause', program, { mode: 0o755 }), folder('lib/'), file('lib/libnss_files.so.2', 'x')),
    );
    await makeOciImage(path('layout'), { layers: [layer], cmd: ['/pause'] });
    await run('skopeo', [
      'copy',
      '-q',
      `oci:${path('layout')}:latest`,
      `docker-archive:${path('image.tar')}:bare:latest`,
    ]);
    await hyper('load', '-q', '-i', path('image.tar'));
    await hyper('run', '-d', '--name', 'bare', '--stop-signal', 'KILL', 'bare');
    mkdirSync(path('dir'));
    writeFileSync(path('dir/x'), 'x');
    await copy('dir', 'bare:/');
    await copy('bare:/dir', 'back');
    assert.equal(read('back/x'), 'x');
    await hyper('rm', '-f', 'bare');
  });

  it('stays in the container, whatever its symlinks say and however they change', async () => {
    writeFileSync(path('canary'), 'canary');
    await shell(
      'rm -rf /trap; mkdir -p /trap/real; cd /trap; ln -s / root; ln -s ../../../../../../.. up; ln -s /proc/1/root proc; ln -s /proc/self/root self',
    );
    await copy('canary', 'main:/trap/root');
    await copy('canary', 'main:/trap/up/memory');
    assert.equal(await shell('cat /canary /memory/canary'), 'canarycanary');
    await refused(['canary', 'main:/trap/proc/x'], 1, /Too many levels|Symbolic link loop|No such file/i);
    await refused(['main:/trap/self/etc/passwd', '.'], 1, /Too many levels|Symbolic link loop|No such file/i);
    const swap = 'while :; do ln -s / /trap/swap; rm /trap/swap; mkdir /trap/swap; rm -rf /trap/swap; done';
    const swapping = await hyperd.client.execCreate('main', { args: ['sh', '-c', swap] });
    const session = await hyperd.client.execAttach(swapping.id, {}, { output: () => undefined });
    for (let round = 0; round < 8; round++) {
      await cp('canary', 'main:/trap/swap/canary');
      await cp('main:/trap/swap/etc', `round-${round}`);
    }
    session.signal('KILL');
    await session.exit;
    const outside = await hyper('exec', '--vm', 'main', '/bin/ls', '/', '/run').catch(() => '');
    assert.doesNotMatch(outside, /canary/);
    for (let round = 0; round < 8; round++) {
      // The guest's own has no passwd; the container's has root.
      if (existsSync(path(`round-${round}/passwd`))) assert.match(read(`round-${round}/passwd`), /^root:/);
    }
  });

  it('works in pods that do not run, and they start with it', async () => {
    writeFileSync(path('file'), 'file\n');
    await hyper('create', '--name', 'cold', '-v', '/own', 'busybox', 'cat', '/etc/copied', '/own/copied');
    await copy('file', 'cold:/etc/copied');
    await copy('file', 'cold:/own/copied');
    await until(() => hyperd.vmProcesses().length === 1);
    const copying = cp('cold:/etc', 'etc'); // whichever comes first: the other waits
    assert.equal(await hyper('start', '-a', 'cold'), 'file\nfile\n');
    await copying;
    await copy('cold:/etc/copied', '.');
    assert.equal(read('copied'), 'file\n');
    await hyper('rm', 'cold');
    await until(() => hyperd.vmProcesses().length === 1);
  });

  it('leaves no half of a file behind when it is interrupted', async () => {
    await shell('truncate -s 2G /huge');
    const start = (args: readonly string[]): ChildProcess => {
      const [program, words, env] = hyperd.command(args);
      return spawn(program, words, { env, stdio: ['pipe', 'ignore', 'inherit'] });
    };
    const out = start(['cp', 'main:/huge', path('huge')]);
    await until(() => existsSync(path('huge')) && statSync(path('huge')).size > 0);
    out.kill('SIGINT');
    assert.deepEqual(await once(out, 'exit'), [130, null]);
    assert.ok(!existsSync(path('huge')));
    await shell('rm -rf /in /huge; mkdir /in');
    const into = start(['cp', '-', 'main:/in']);
    into.stdin?.on('error', () => undefined);
    into.stdin?.write(Buffer.concat([header({ name: 'half', size: 1 << 30 }), Buffer.alloc(1 << 20)]));
    await until(async () => (await shell('ls /in')) === 'half\n');
    into.kill('SIGINT');
    assert.deepEqual(await once(into, 'exit'), [130, null]);
    await until(async () => (await shell('ls /in')) === '');
  });

  it('holds a guest whose tar nobody reads, and nothing else', async () => {
    await shell('truncate -s 1G /huge');
    const resident = (): number =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${hyperd.pid}/status`, 'utf8'))?.[1]) / 1024;
    const before = resident();
    const archive = await hyperd.client.podArchive('main', '/huge');
    await once(archive, 'readable');
    for (let round = 0; round < 20; round++) await shell('true');
    assert.ok(resident() - before < 64, `${before} MiB before, ${resident()} MiB after`);
    archive.destroy();
    await shell('rm /huge');
  });

  it('says how far it is on a terminal, and is quiet elsewhere', () => {
    writeFileSync(path('file'), 'file');
    const [program, args, env] = hyperd.command(['cp', 'file', 'main:/in']);
    const seen = execFileSync('script', ['-qec', [program, ...args].join(' '), '/dev/null'], { env, cwd: here });
    assert.match(seen.toString(), /Successfully copied 2(\.\d+)?kB to main:\/in/);
  });
});
