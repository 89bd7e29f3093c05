import { readFile } from 'node:fs/promises';
import { HyperError } from '../../lib/errors.ts';

async function setting(name: string): Promise<string> {
  const text = await readFile(`/proc/sys/${name}`, 'utf8').catch(() => '');
  return text.trim();
}

/** Why `unshare` failed, with what to do, from what it said and how this kernel is set. */
export async function explainUnshare(said: string): Promise<HyperError> {
  const failed = `this user cannot have namespaces of their own (${said.trim().replaceAll('\n', '; ')})`;
  const because = (todo: string) => new HyperError('unavailable', `${failed}: ${todo}`);
  if (/unrecognized option|invalid option/.test(said)) {
    return new HyperError('missing_dependency', `${failed}: install util-linux 2.38 or later`);
  }
  if ((await setting('kernel/unprivileged_userns_clone')) === '0') {
    return because(`run 'sysctl -w kernel.unprivileged_userns_clone=1' as root`);
  }
  if ((await setting('user/max_user_namespaces')) === '0') {
    return because(`run 'sysctl -w user.max_user_namespaces=15000' as root`);
  }
  if ((await setting('kernel/apparmor_restrict_unprivileged_userns')) === '1') {
    return because(`AppArmor restricts them (Ubuntu): install Hyper's AppArmor profile with 'scripts/install' as root`);
  }
  return because('run hyperd as root, or allow unprivileged user namespaces (in a container: give it the privilege)');
}
