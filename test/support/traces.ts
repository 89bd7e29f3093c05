import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestHyperd } from './hyperd.ts';

/** What pods leave on the host: taps, folders of pods, folders of VMs. */
export function traces(hyperd: TestHyperd): { taps: string[]; pods: string[]; vms: string[] } {
  const links = execFileSync('ip', ['-n', hyperd.namespace, '-o', 'link'], { encoding: 'utf8' });
  const folder = (path: string): string[] => (existsSync(path) ? readdirSync(path) : []);
  return {
    taps: links.match(/\bhy\w{10}-\d+/g) ?? [],
    pods: folder(join(hyperd.root, 'pods')),
    vms: readdirSync(hyperd.run, { recursive: true })
      .map(String)
      .filter((path) => /vm-\w{10}$/.test(path)),
  };
}
