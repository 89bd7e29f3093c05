import { findLink } from './ip-command.ts';
import { readSetting } from './net-setting.ts';
import { runCommand } from '../lib/run-command.ts';
import { tableOf } from './firewall-options.ts';

/**
 * What somebody else has taken away of a network that was up: its bridge, its tables of rules, the kernel's routing. Empty
 * where all is there.
 */
export async function whatIsGone(bridge: string, ipv6: boolean): Promise<readonly string[]> {
  const [link, tables, forwarding] = await Promise.all([
    findLink(bridge),
    runCommand('nft', ['list', 'tables']),
    readSetting('ipv4/ip_forward'),
  ]);
  const there = new Set(tables.stdout.split('\n'));
  const families = ['inet', 'bridge', 'ip', ...(ipv6 ? ['ip6'] : [])];
  const missing = families.map((family) => `table ${family} ${tableOf(bridge)}`).filter((table) => !there.has(table));
  return [
    ...(link === undefined ? [`the bridge ${bridge}`] : []),
    ...missing,
    ...(forwarding === '0' ? ['net.ipv4.ip_forward'] : []),
  ];
}
