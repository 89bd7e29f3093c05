import { access, readFile, writeFile } from 'node:fs/promises';
import { systemCode } from '../lib/errors.ts';

const folder = '/proc/sys/net';

/** A setting of the kernel, `ipv4/ip_forward`; undefined where it has no such thing. */
export async function readSetting(setting: string): Promise<string | undefined> {
  try {
    return (await readFile(`${folder}/${setting}`, 'utf8')).trim();
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** One that the kernel does not have (it is without IPv6, the device has gone) needs none. */
export async function writeSetting(setting: string, value: string): Promise<void> {
  try {
    await writeFile(`${folder}/${setting}`, value);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}

/** Whether this kernel has IPv6 at all; that it may be off on a device is another thing. */
export async function hasIpv6(): Promise<boolean> {
  return await access(`${folder}/ipv6`).then(
    () => true,
    () => false,
  );
}
