import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestHyperd } from './hyperd.ts';

const run = promisify(execFile);

/** All that a command may leave behind: two of these are equal when nothing was lost or left. */
export async function traces(hyperd: TestHyperd): Promise<object> {
  const names = (folder: string): Promise<string[]> => readdir(join(hyperd.root, folder)).then((list) => list.sort());
  const links = await hyperd.network.ip('-o', 'link', 'show', 'type', 'tun');
  return {
    pods: (await hyperd.client.podList()).map(({ name }) => name).sort(),
    images: (await hyperd.client.imageList()).flatMap(({ id, tags }) => [id, ...tags]).sort(),
    layers: await names('layers'),
    temporary: await names('tmp'),
    podFolders: (await names('pods')).length,
    vmFolders: await readdir(join(hyperd.run, 'vms')),
    vms: hyperd.vmProcesses(),
    taps: links,
  };
}

/**
 * One line of stderr is the error, after progress or the pod's id, stdout is empty, and nothing is lost or left.
 *
 * @param line all of the line
 */
export async function assertRefused(
  hyperd: TestHyperd,
  args: readonly string[],
  code: number,
  line: RegExp,
): Promise<void> {
  const before = await traces(hyperd);
  const ended = await hyperd.hyper(args);
  assert.deepEqual([ended.code, ended.stdout], [code, ''], ended.stderr);
  const lines = ended.stderr.split('\n');
  assert.equal(lines.filter((each) => /^hyper: (?!warning: )/.test(each)).length, 1, ended.stderr);
  assert.equal(lines.pop(), '');
  assert.match(lines.at(-1) ?? '', line);
  assert.deepEqual(await traces(hyperd), before);
}

/** A pod's VM is taken apart behind the back of who waited for it: resolves when nothing of those that ended is left. */
export async function untilTakenApart(hyperd: TestHyperd): Promise<void> {
  await until(async () => {
    const running = (await hyperd.client.vmList()).length;
    const vms = await readdir(join(hyperd.run, 'vms'));
    const pods = await readdir(join(hyperd.root, 'pods'));
    return vms.length === running && pods.length === (await hyperd.client.podList()).length;
  });
}

/** Resolves when something that no event tells of has come about. */
export async function until(condition: () => Promise<boolean> | boolean, patienceMs = 60_000): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, 'in vain');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Restarts a hyperd with another configuration on the same folders. */
export async function configure(hyperd: TestHyperd, config: object): Promise<void> {
  await hyperd.signal('SIGTERM');
  hyperd.configure(config);
  await hyperd.start();
}

/** Has a hyperd work with an empty root on a disk of so many MiB, then with its own again. */
export async function onSmallDisk(hyperd: TestHyperd, mebibytes: number, work: () => Promise<void>): Promise<void> {
  /** With the namespaces of a user's hyperd, which do not see what is mounted later. */
  const end = async (): Promise<void> => {
    await hyperd.signal('SIGTERM');
    await hyperd.endKeepers();
  };
  await end();
  const owner = `uid=${hyperd.idOnHost(0)},gid=${hyperd.idOnHost(0, 'gid')}`;
  await run('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,${owner}`, 'hyper-test', hyperd.root]);
  try {
    await hyperd.start();
    await work();
  } finally {
    await end();
    await run('umount', [hyperd.root]);
    await hyperd.start();
  }
}
