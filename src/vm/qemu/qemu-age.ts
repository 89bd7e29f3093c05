import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { runCommand } from '../../lib/run-command.ts';

/** The distribution's package of the same source. */
const qemuPackage = 'qemu-system-x86';

/**
 * Nobody updates a QEMU that scripts/qemu built: says so in the log when the distribution has a newer one installed, which may
 * mend what a guest can do harm with.
 */
export async function warnOfOlderQemu(binary: string, log: Log): Promise<void> {
  try {
    const built = (await readFile(join(dirname(binary), 'source'), 'utf8')).trim();
    const { stdout } = await runCommand('dpkg-query', ['-W', '-f', '${source:Version}', qemuPackage]);
    if (!(await isOlder(built, stdout))) return;
    log.warn(
      { built, installed: stdout },
      'QEMU was built from an older source than the one installed: run scripts/qemu',
    );
  } catch (error) {
    log.info({ problem: messageOf(error) }, 'whether the QEMU that was built is up to date is not known');
  }
}

/** By Debian's order of versions; the exit code is the answer. */
async function isOlder(one: string, other: string): Promise<boolean> {
  const { stdout } = await runCommand('sh', ['-c', 'dpkg --compare-versions "$0" lt "$1"; echo $?', one, other]);
  if (stdout !== '0\n' && stdout !== '1\n') throw new Error(`dpkg does not compare ${one} with ${other}`);
  return stdout === '0\n';
}
