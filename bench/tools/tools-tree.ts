import { copyFile, mkdir, readdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runTimed, stdoutText } from '../run-timed.ts';

/** What both sides' guests run. scripts/bench installs their packages. */
const programs = ['/usr/bin/fio', '/usr/bin/iperf3', '/usr/bin/git'];
const folders = ['bin', 'dev', 'disk', 'etc', 'folder', 'proc', 'root', 'run', 'scratch', 'sys', 'tmp', 'var'];

/** A file tree of this machine's programs with the libraries that they ask for, busybox and a small HTTP server. */
export async function makeToolsTree(tree: string): Promise<void> {
  for (const folder of folders) await mkdir(join(tree, folder), { recursive: true });
  const linked = await Promise.all(programs.map(async (path) => stdoutText(await runTimed('ldd', [path]))));
  // `libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x…)`, and the linker itself by its path.
  const libraries = linked.join('\n').matchAll(/(\/\S+) \(0x/g);
  const files = new Set([...programs, ...[...libraries].map(([, path = '']) => path)]);
  for (const path of files) await copyInto(tree, path);
  await copyFile('/bin/busybox', join(tree, 'bin/busybox'));
  const listed = stdoutText(await runTimed('/bin/busybox', ['--list']));
  const present = new Set(await readdir(join(tree, 'bin')));
  for (const applet of listed.split('\n')) {
    if (!present.has(applet)) await symlink('busybox', join(tree, 'bin', applet));
  }
  await writeFile(join(tree, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  const source = join(import.meta.dirname, 'http-server.c');
  const flags = ['-static', '-O2', '-Wall', '-Wextra', '-Werror'];
  await runTimed('musl-gcc', [...flags, '-o', join(tree, 'bin/http-server'), source]);
}

async function copyInto(tree: string, path: string): Promise<void> {
  const target = join(tree, path);
  await mkdir(dirname(target), { recursive: true });
  await copyFile(await realpath(path), target);
}
