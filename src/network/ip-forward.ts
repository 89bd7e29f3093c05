import { readdir } from 'node:fs/promises';
import { HyperError, messageOf } from '../lib/errors.ts';
import { readSetting, writeSetting } from './net-setting.ts';

/**
 * Lets the kernel route IPv4: guests reach the outside by it. Left on at the end, as others may rely on it by then.
 *
 * @throws HyperError `unavailable` when it is off and not ours to turn on.
 */
export async function ensureForwarding(): Promise<void> {
  await turnOn('ipv4/ip_forward', 'IP');
}

/** The same for IPv6. There is one switch for all devices: up to Linux 6.16 those of each decide nothing of what is forwarded. */
export async function ensureIpv6Forwarding(): Promise<void> {
  await turnOn('ipv6/conf/all/forwarding', 'IPv6', keepRouterAdvertisements);
}

async function turnOn(setting: string, what: string, before?: () => Promise<void>): Promise<void> {
  if ((await readSetting(setting)) !== '0') return;
  try {
    await before?.();
    await writeSetting(setting, '1');
  } catch (error) {
    const todo = `run 'sysctl -w net.${setting.replaceAll('/', '.')}=1' as root`;
    throw new HyperError(
      'unavailable',
      `${what} forwarding is off and cannot be turned on (${messageOf(error)}): ${todo}`,
      { cause: error },
    );
  }
}

/**
 * A kernel that forwards hears no router advertisements unless it is told to (`accept_ra` 2), and the host's own addresses
 * and routes may come by them. So those devices that hear them go on, and those that come later.
 */
async function keepRouterAdvertisements(): Promise<void> {
  const devices = (await readdir('/proc/sys/net/ipv6/conf')).filter((name) => name !== 'all');
  for (const device of devices) {
    const setting = `ipv6/conf/${device}/accept_ra`;
    if ((await readSetting(setting)) === '1') await writeSetting(setting, '2');
  }
}
