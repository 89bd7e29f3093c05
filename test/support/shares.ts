import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repository, type TestHyperd } from './hyperd.ts';

/** The pids of what serves folders to this hyperd's VMs. */
export function shareServers(hyperd: TestHyperd): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const commandLine = readFileSync(`/proc/${name}/cmdline`, 'utf8');
      return /^[^\0]*virtiofsd\0/.test(commandLine) && commandLine.includes(hyperd.run) ? [Number(name)] : [];
    } catch {
      return []; // it has ended
    }
  });
}

/** What is mounted below a hyperd's folders, as the host sees it. */
export async function mountsOf(hyperd: TestHyperd): Promise<string[]> {
  const all = await readFile('/proc/self/mountinfo', 'utf8');
  return all.split('\n').filter((line) => line.includes(hyperd.folder));
}

/** Builds the static program that asks a file system what POSIX promises, to be run on the host and in guests alike. */
export function buildPosixChecks(target: string): void {
  buildStatic(join(repository, 'test/posix/posix-checks.c'), target);
}

/** A program that runs in any container. */
export function buildStatic(source: string, target: string): void {
  execFileSync('gcc', ['-static', '-O1', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror', '-o', target, source]);
}
