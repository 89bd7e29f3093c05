import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import type { Info } from '../src/contract/index.ts';

const output = (file: string, ...args: readonly string[]): string => execFileSync(file, args, { encoding: 'utf8' });

/** One paragraph: processor, memory, system and the versions of who takes part. */
export function describeMachine({ hypervisor: { version, accelerator }, kernel }: Info): string {
  const os = /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux';
  const [cpu] = cpus();
  const docker = /version ([^,]+)/.exec(output('/usr/bin/docker', '--version'))?.[1] ?? '?';
  const runsc = /version (\S+)/.exec(output('runsc', '--version'))?.[1] ?? '?';
  const runc = /version (\S+)/.exec(output('runc', '--version'))?.[1] ?? '?';
  return [
    `${cpus().length} cores of ${cpu?.model ?? 'an unknown processor'}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${os}, kernel ${release()}.`,
    `QEMU ${version ?? '?'} with ${accelerator}, guest kernel ${kernel ?? '?'}, Node.js ${process.versions.node}, Docker ${docker} with runc ${runc}, runsc ${runsc}.`,
  ].join(' ');
}
