import { readFile, writeFile } from 'node:fs/promises';
import { HyperError, messageOf } from '../lib/errors.ts';

const setting = '/proc/sys/net/ipv4/ip_forward';

/**
 * Lets the kernel route: guests reach the outside by it. Left on at the end, as others may rely on it by then.
 *
 * @throws HyperError `unavailable` when it is off and not ours to turn on.
 */
export async function ensureForwarding(): Promise<void> {
  if ((await readFile(setting, 'utf8')).trim() !== '0') return;
  try {
    await writeFile(setting, '1');
  } catch (error) {
    throw new HyperError(
      'unavailable',
      `IP forwarding is off and cannot be turned on (${messageOf(error)}): run 'sysctl -w net.ipv4.ip_forward=1' as root`,
      { cause: error },
    );
  }
}
