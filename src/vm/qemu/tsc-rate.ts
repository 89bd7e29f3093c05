import { readFile } from 'node:fs/promises';

/**
 * The rate of this machine's time stamp counter in kHz; undefined where it cannot be told from /proc/cpuinfo.
 */
export async function readTscKhz(): Promise<number | undefined> {
  return tscKhzOf(await readFile('/proc/cpuinfo', 'utf8').catch(() => ''));
}

/**
 * The kernel shows as `cpu MHz` what it found the counter to run at, unless the processor counts its true cycles
 * (`aperfmperf`): then it is the clock of the moment (arch/x86/kernel/cpu/proc.c).
 */
export function tscKhzOf(cpuinfo: string): number | undefined {
  const flags = (/^flags\s*:(.*)$/m.exec(cpuinfo)?.[1] ?? '').split(' ');
  const mhz = /^cpu MHz\s*:\s*(\d+)\.(\d{3})$/m.exec(cpuinfo);
  if (mhz === null || !flags.includes('constant_tsc') || flags.includes('aperfmperf')) return undefined;
  return Number(`${mhz[1]}${mhz[2]}`);
}
