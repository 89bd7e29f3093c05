import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { runCommand } from '../lib/run-command.ts';
import { tableOf } from './firewall-rules.ts';

const Chains = z.object({
  nftables: z.array(
    z.object({
      chain: z
        .object({
          family: z.string(),
          table: z.string(),
          hook: z.string().optional(),
          policy: z.string().optional(),
        })
        .optional(),
    }),
  ),
});

type Hook = 'input' | 'forward';

/** A rule set of another that drops what it does not know and says nothing of our bridge. */
interface Dropper {
  readonly where: string;
  readonly hook: Hook;
  readonly docker: boolean;
}

/**
 * Whether another firewall of this host drops guests' packets, which no table of ours can undo: a packet passes only
 * when every table accepts it. Returns what to do, or an empty text. (docker sets such a policy for what is forwarded,
 * ufw for what comes in too: then guests' DNS queries are lost.)
 */
export async function hostFirewallProblem(bridge: string): Promise<string> {
  const droppers = [...(await nftDroppers(bridge)), ...(await legacyDroppers(bridge))];
  if (droppers.length === 0) return '';
  const commands: string[] = [];
  const forward = droppers.filter(({ hook }) => hook === 'forward');
  if (forward.length > 0) {
    const chain = forward.some(({ docker }) => docker) ? 'DOCKER-USER' : 'FORWARD';
    commands.push(
      `iptables -I ${chain} -i ${bridge} -j ACCEPT`,
      `iptables -I ${chain} -o ${bridge} -m conntrack --ctstate ESTABLISHED,RELATED,DNAT -j ACCEPT`,
    );
  }
  if (droppers.some(({ hook }) => hook === 'input')) {
    commands.push(...['udp', 'tcp'].map((what) => `iptables -I INPUT -i ${bridge} -p ${what} --dport 53 -j ACCEPT`));
  }
  const where = [...new Set(droppers.map((dropper) => `${dropper.where}, ${dropper.hook}`))].join('; ');
  return `this host's firewall drops packets of guests (${where}): run '${commands.join(' && ')}'`;
}

async function nftDroppers(bridge: string): Promise<Dropper[]> {
  const { stdout } = await runCommand('nft', ['-j', 'list', 'chains']);
  const chains = Chains.parse(JSON.parse(stdout)).nftables.flatMap(({ chain }) => chain ?? []);
  const found: Dropper[] = [];
  for (const { family, table, hook, policy } of chains) {
    if ((hook !== 'forward' && hook !== 'input') || policy !== 'drop' || table === tableOf(bridge)) continue;
    if (family !== 'ip' && family !== 'inet') continue;
    const { stdout: rules } = await runCommand('nft', ['list', 'table', family, table]);
    if (rules.includes(`"${bridge}"`)) continue;
    found.push({ where: `nft table ${family} ${table}`, hook, docker: rules.includes('chain DOCKER-USER ') });
  }
  return found;
}

/** The same for the older iptables, which nft does not see. */
async function legacyDroppers(bridge: string): Promise<Dropper[]> {
  const tables = await readFile('/proc/net/ip_tables_names', 'utf8').catch(() => '');
  if (!tables.split('\n').includes('filter')) return [];
  const rules = await runCommand('iptables-legacy', ['-S']).then(
    ({ stdout }) => stdout,
    () => '',
  );
  if (rules.includes(`-i ${bridge} `)) return [];
  const docker = rules.includes('-N DOCKER-USER');
  const hooks = (['input', 'forward'] as const).filter((hook) => rules.includes(`-P ${hook.toUpperCase()} DROP`));
  return hooks.map((hook) => ({ where: 'iptables-legacy', hook, docker }));
}
