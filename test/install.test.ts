import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync } from 'node:fs';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { HyperClient } from '../src/client/index.ts';
import { repository, runProgram } from './support/hyperd.ts';

const has = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

/** Runs scripts/install or scripts/uninstall, of this working copy or of an installation. */
function script(path: string, ...args: string[]): string {
  const { status, stderr } = spawnSync(path, args, { encoding: 'utf8', timeout: 120_000 });
  assert.equal(status, 0, stderr);
  return stderr;
}

const scripts = join(repository, 'scripts');

/** All that is not a folder, with the release's random part left out. */
function filesOf(folder: string): string[] {
  const found = execFileSync('find', [folder, '!', '-type', 'd', '-printf', '%P\\n'], { encoding: 'utf8' });
  return found
    .split('\n')
    .filter((path) => path !== '')
    .map((path) => path.replace(/lib\/hyper\.[A-Za-z0-9]{6}\//, 'lib/hyper.X/'))
    .sort();
}

describe('scripts/install', () => {
  let folder: string;
  let destdir: string;
  const installed = (path: string): string => join(destdir, 'usr/local', path);
  const text = (path: string): string => readFileSync(installed(path), 'utf8');

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'hyper-install-'));
    destdir = join(folder, 'destdir');
    script(join(scripts, 'install'), '--no-setup', '--destdir', destdir);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('puts programs, guest, service and completions where the system looks for them', () => {
    const release = [
      ...['bin/hyperctl', 'dist/hyperctl', 'dist/hyperctl.cjs'],
      ...['bin/hyper', 'bin/hyperd', 'dist/disk-worker.js', 'dist/hyper', 'dist/hyper.cjs', 'dist/hyperd.js'],
      ...['dist/layer-worker.js', 'dist/yaml-worker.js', 'guest/build/busybox-image.tar', 'guest/build/guest.json'],
      ...[
        'guest/build/bzImage',
        'guest/build/initramfs.cpio',
        'guest/build/modules.ext4',
        'guest/build/vmlinux',
        'node/LICENSE',
        'node/bin/node',
      ],
      ...['packaging/layout.sh', 'scripts/lib/setup.sh', 'scripts/uninstall'],
      ...[
        'LICENSE',
        ...['vmlinux', 'initramfs.cpio', 'guest.json'].map((file) => `guest/build/hyper/${file}`),
        ...['source', 'qemu-system-x86_64-hyper'].map((file) => `guest/build/qemu/${file}`),
      ].filter((path) => existsSync(join(repository, path))),
    ].map((path) => `usr/local/lib/hyper.X/${path}`);
    const elsewhere = [
      ...['bin/hyper', 'bin/hyperd', 'lib/hyper', 'lib/systemd/system/hyper.service', 'lib/systemd/user/hyper.service'],
      ...['bin/hyperctl', 'share/bash-completion/completions/hyperctl'],
      ...['share/bash-completion/completions/hyper', 'share/zsh/site-functions/_hyper'],
    ].map((path) => `usr/local/${path}`);
    const expected = [...release, ...elsewhere].sort();
    // Where AppArmor restricts user namespaces (Ubuntu), its profile too.
    assert.deepEqual(
      filesOf(destdir).filter((path) => path !== 'etc/apparmor.d/hyper'),
      expected,
    );
  });

  it('needs nothing of the working copy: its programs run on their own Node.js', () => {
    const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { version: string };
    const env = { PATH: '/usr/bin:/bin' };
    const hyper = execFileSync(installed('bin/hyper'), ['--version'], { env, encoding: 'utf8' });
    assert.ok(hyper.includes(version), hyper);
    const help = (name: string): string =>
      execFileSync(installed(`bin/${name}`), ['run', '--help'], { env, encoding: 'utf8' });
    assert.match(help('hyper'), /^Usage: hyper run /);
    assert.match(help('hyperctl'), /^Usage: hyperctl run /);
    assert.equal(
      execFileSync(installed('bin/hyperd'), ['--version'], { env, encoding: 'utf8' }),
      `hyperd version ${version}\n`,
    );
    // Without HOME hyperd would not find root's logins at registries; systemd sets none.
    assert.match(text('lib/systemd/system/hyper.service'), /^Environment=HOME=\/root$/m);
    assert.doesNotMatch(text('lib/systemd/system/hyper.service') + text('bin/hyperd'), new RegExp(repository));
  });

  it('brings units that systemd takes', { skip: !has('systemd-analyze') && 'systemd-analyze is missing' }, () => {
    for (const [kind, options] of [
      ['system', ['--man=no']],
      ['user', ['--man=no', '--user']],
    ] as const) {
      const unit = join(folder, kind, 'hyper.service');
      mkdirSync(join(folder, kind));
      // It looks whether the program is there.
      const content = text(`lib/systemd/${kind}/hyper.service`).replace('ExecStart=', `ExecStart=${destdir}`);
      assert.doesNotMatch(content, /@PREFIX@ *$/m);
      writeFileSync(unit, content);
      const { status, stderr } = spawnSync('systemd-analyze', ['verify', ...options, unit], {
        encoding: 'utf8',
        env: { ...process.env, XDG_RUNTIME_DIR: folder },
      });
      assert.deepEqual([status, stderr.split('\n').filter((line) => line.includes('hyper.service'))], [0, []], stderr);
    }
  });

  it('brings completions that bash and zsh take', (t) => {
    const bash = installed('share/bash-completion/completions/hyperctl');
    execFileSync('bash', ['-n', bash]);
    assert.match(
      execFileSync('bash', ['-c', `source ${bash}; complete -p hyperctl hyper`], { encoding: 'utf8' }),
      /_hyper/,
    );
    const complete = `source ${bash}; COMP_WORDS=(hyper ru); COMP_CWORD=1; _hyper; echo "\${COMPREPLY[@]}"`;
    assert.match(execFileSync('bash', ['-c', complete], { encoding: 'utf8' }), /\brun\b/);
    if (has('zsh')) execFileSync('zsh', ['-n', installed('share/zsh/site-functions/_hyper')]);
    else t.diagnostic('zsh is missing: its completion is not checked');
  });

  it('takes its units from /etc for a prefix that systemd does not know', () => {
    const other = join(folder, 'other');
    script(join(scripts, 'install'), '--no-setup', '--destdir', other, '--prefix', '/opt/hyper');
    const unit = readFileSync(join(other, 'etc/systemd/system/hyper.service'), 'utf8');
    assert.match(unit, /^ExecStart=\/opt\/hyper\/bin\/hyperd$/m);
    script(join(scripts, 'uninstall'), '--destdir', other, '--prefix', '/opt/hyper');
    assert.deepEqual(filesOf(other), []);
  });

  it('refuses folders that a unit could not name, and options that it does not know', () => {
    for (const [args, said] of [
      [['--prefix', 'relative'], /must be an absolute path: relative/],
      [['--prefix', '/with blank'], /only letters, digits/],
      [['--prefix', '/'], /must not be \//],
      [['--what'], /unknown option --what/],
    ] as const) {
      const { status, stderr } = spawnSync(join(scripts, 'install'), args, { encoding: 'utf8' });
      assert.equal(status, 1);
      assert.match(stderr, said);
    }
  });

  it('leaves programs of others alone, and nothing of its own', () => {
    const other = join(folder, 'foreign');
    cpSync(destdir, other, { recursive: true, verbatimSymlinks: true });
    rmSync(join(other, 'usr/local/bin/hyper'));
    writeFileSync(join(other, 'usr/local/bin/hyper'), 'a terminal of the same name');
    mkdirSync(join(other, 'var/lib/hyper'), { recursive: true });
    writeFileSync(join(other, 'var/lib/hyper/hyper.db'), '');
    // The one that was installed: the working copy may be gone by then.
    script(join(other, 'usr/local/lib/hyper/scripts/uninstall'), '--prefix', '/usr/local', '--destdir', other);
    assert.deepEqual(filesOf(other), ['usr/local/bin/hyper', 'var/lib/hyper/hyper.db']);
    script(join(scripts, 'uninstall'), '--destdir', other, '--purge');
    assert.deepEqual(filesOf(other), ['usr/local/bin/hyper']);
  });

  it('upgrades while a pod runs: the pod goes on, the old release is removed when nobody runs it', async (t) => {
    const namespace = `hyper-install-${process.pid}`;
    const run = join(folder, 'run');
    const config = join(folder, 'config.json');
    // VMs of a QEMU that is in the release do not keep it.
    const qemu = existsSync(installed('lib/hyper/guest/build/qemu')) ? { qemu: 'hyper' } : {};
    writeFileSync(config, JSON.stringify(qemu));
    const options = ['--root', join(folder, 'root'), '--run', run, '--config', config];
    const client = new HyperClient(`unix://${run}/hyper.sock`);
    const hyper = (...args: string[]) =>
      runProgram(installed('bin/hyper'), args, { ...process.env, HYPER_HOST: `unix://${run}/hyper.sock` });
    let log = '';
    const start = async () => {
      const command = ['netns', 'exec', namespace, installed('bin/hyperd'), ...options];
      const child = spawn('ip', command, { stdio: ['ignore', 'ignore', 'pipe'] });
      log = '';
      child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString('utf8')));
      // Its last word of the start tells that its socket is there.
      while (!log.includes('hyperd is ready')) {
        await Promise.race([once(child.stderr, 'data'), once(child, 'exit')]);
        assert.equal(child.exitCode, null, log);
      }
      return child;
    };
    chmodSync(folder, 0o711);
    execFileSync('ip', ['netns', 'add', namespace]);
    execFileSync('ip', ['-n', namespace, 'link', 'set', 'lo', 'up']);
    t.after(() => execFileSync('ip', ['netns', 'del', namespace]));

    let hyperd = await start();
    try {
      const ran = await hyper('run', '-d', '--name', 'lasting', 'busybox', 'sleep', '10000');
      assert.equal(ran.code, 0, ran.stderr);
      const before = await client.podInspect('lasting');
      const old = readlinkSync(installed('lib/hyper'));

      const said = script(join(scripts, 'install'), '--no-setup', '--destdir', destdir);
      assert.match(said, new RegExp(`earlier release still runs as ${hyperd.pid} and is kept`));
      assert.notEqual(readlinkSync(installed('lib/hyper')), old);
      // What `systemctl reload` does.
      hyperd.kill('SIGHUP');
      assert.deepEqual(await once(hyperd, 'exit'), [0, null]);
      hyperd = await start();

      const { code, stdout, stderr } = await hyper('exec', 'lasting', 'echo', 'still here');
      assert.deepEqual([code, stdout], [0, 'still here\n'], stderr + log);
      assert.equal((await client.podInspect('lasting')).vmId, before.vmId);
      script(join(scripts, 'install'), '--no-setup', '--destdir', destdir);
      assert.equal(existsSync(installed(`lib/${old}`)), false);
    } finally {
      hyperd.kill('SIGTERM'); // with its pods
      await once(hyperd, 'exit');
    }
  });
});
