import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import assert from 'node:assert/strict';
import type { TestHyperd } from './hyperd.ts';

const limitMs = 60_000;

/** Looks until it is so: neither the pool nor a log tells anybody. */
async function until(what: string, hyperd: TestHyperd, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await isSo())) {
    assert.ok(Date.now() < deadline, `not in time: ${what}: ${hyperd.log.slice(-3000)}`);
    await delay(20);
  }
}

export async function untilPoolHas(hyperd: TestHyperd, vms: number): Promise<void> {
  await until(`${vms} VMs wait`, hyperd, async () => (await hyperd.client.info()).pool.waiting === vms);
}

export async function untilTemplates(hyperd: TestHyperd, count: number): Promise<void> {
  await until(`${count} templates`, hyperd, async () => (await hyperd.client.templateList()).length === count);
}

export async function untilPreparedTemplates(hyperd: TestHyperd, count: number): Promise<void> {
  const isSo = async (): Promise<boolean> => (await hyperd.client.info()).preparedTemplates.count === count;
  await until(`${count} prepared templates`, hyperd, isSo);
}

/** hyperd makes a template, which takes a while. */
export async function untilTemplateBegun(hyperd: TestHyperd): Promise<void> {
  const isSo = (): boolean => readdirSync(join(hyperd.root, 'templates')).some((name) => name.startsWith('draft-'));
  await until('a template is being made', hyperd, () => Promise.resolve(isSo()));
}

export async function untilStartsWait(hyperd: TestHyperd, starts: number): Promise<void> {
  const isSo = async (): Promise<boolean> => (await hyperd.client.info()).vmMemory.waitingStarts === starts;
  await until(`${starts} starts wait`, hyperd, isSo);
}

export async function untilVmRuns(hyperd: TestHyperd): Promise<void> {
  await until('a VM is started', hyperd, () => Promise.resolve(hyperd.vmProcesses().length > 0));
}

export async function untilLogSays(hyperd: TestHyperd, words: string): Promise<void> {
  await until(`the log says ${words}`, hyperd, () => Promise.resolve(hyperd.log.includes(words)));
}

export async function untilGone(hyperd: TestHyperd, pids: readonly number[]): Promise<void> {
  await until(`${pids.join()} have ended`, hyperd, () =>
    Promise.resolve(pids.every((pid) => !existsSync(`/proc/${pid}`))),
  );
}

/** Where the VM of a run came from, as `--timing` says; the run must succeed. */
export async function originOf(
  hyperd: TestHyperd,
  ...options: readonly string[]
): Promise<'pool' | 'template' | 'boot'> {
  const { code, stderr } = await hyperd.hyper(['run', '--rm', '--timing', ...options, 'busybox', 'true']);
  assert.equal(code, 0, stderr);
  if (stderr.includes('a VM of the pool')) return 'pool';
  return stderr.includes('a clone of a template') ? 'template' : 'boot';
}
