import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { runCommand } from '../lib/run-command.ts';
import { tableOf } from './firewall-options.ts';

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

type Tool = 'iptables' | 'ip6tables';

/** A rule set of another that drops what it does not know and says nothing of our bridge. */
interface Dropper {
  readonly where: string;
  readonly hook: Hook;
  readonly docker: boolean;
  /** What changes it. */
  readonly tool: Tool;
}

/** A guest is found by neighbour discovery, as IPv4's are by ARP, which these rules do not see. */
const admitted = { iptables: ['udp --dport 53', 'tcp --dport 53'], ip6tables: ['ipv6-icmp'] } as const;

/**
 * Whether another firewall of this host drops guests' packets, which no table of ours can undo: a packet passes only
 * when every table accepts it. Returns what to do, or an empty text. (docker sets such a policy for what is forwarded,
 * ufw for what comes in too: then guests' DNS queries are lost.) @param ipv6 whether guests have it
 */
export async function hostFirewallProblem(bridge: string, ipv6: boolean): Promise<string> {
  const tools: readonly Tool[] = ipv6 ? ['iptables', 'ip6tables'] : ['iptables'];
  const found = [...(await nftDroppers(bridge)), ...(await legacyDroppers(bridge, tools))];
  const droppers = found.filter(({ tool }) => tools.includes(tool));
  if (droppers.length === 0) return '';
  const commands = tools.flatMap((tool) => commandsFor(tool, bridge, droppers));
  const where = [...new Set(droppers.map((dropper) => `${dropper.where}, ${dropper.hook}`))].join('; ');
  return `this host's firewall drops packets of guests (${where}): run '${commands.join(' && ')}'`;
}

function commandsFor(tool: Tool, bridge: string, all: readonly Dropper[]): string[] {
  const droppers = all.filter((dropper) => dropper.tool === tool);
  const forward = droppers.filter(({ hook }) => hook === 'forward');
  const chain = forward.some(({ docker }) => docker) ? 'DOCKER-USER' : 'FORWARD';
  const forwarded = [
    `${tool} -I ${chain} -i ${bridge} -j ACCEPT`,
    `${tool} -I ${chain} -o ${bridge} -m conntrack --ctstate ESTABLISHED,RELATED,DNAT -j ACCEPT`,
  ];
  const taken = admitted[tool].map((what) => `${tool} -I INPUT -i ${bridge} -p ${what} -j ACCEPT`);
  return [...(forward.length > 0 ? forwarded : []), ...(droppers.some(({ hook }) => hook === 'input') ? taken : [])];
}

async function nftDroppers(bridge: string): Promise<Dropper[]> {
  const { stdout } = await runCommand('nft', ['-j', 'list', 'chains']);
  const chains = Chains.parse(JSON.parse(stdout)).nftables.flatMap(({ chain }) => chain ?? []);
  const found: Dropper[] = [];
  for (const { family, table, hook, policy } of chains) {
    if ((hook !== 'forward' && hook !== 'input') || policy !== 'drop' || table === tableOf(bridge)) continue;
    if (family !== 'ip' && family !== 'ip6' && family !== 'inet') continue;
    const { stdout: rules } = await runCommand('nft', ['list', 'table', family, table]);
    if (rules.includes(`"${bridge}"`)) continue;
    const tool = family === 'ip6' ? 'ip6tables' : 'iptables';
    found.push({ where: `nft table ${family} ${table}`, hook, docker: rules.includes('chain DOCKER-USER '), tool });
  }
  return found;
}

/** The same for the older iptables, which nft does not see. */
async function legacyDroppers(bridge: string, tools: readonly Tool[]): Promise<Dropper[]> {
  const found = await Promise.all(tools.map((tool) => droppersOf(tool, bridge)));
  return found.flat();
}

async function droppersOf(tool: Tool, bridge: string): Promise<Dropper[]> {
  const tables = await readFile(`/proc/net/${tool.replace('tables', '_tables_names')}`, 'utf8').catch(() => '');
  if (!tables.split('\n').includes('filter')) return [];
  const rules = await runCommand(`${tool}-legacy`, ['-S']).then(
    ({ stdout }) => stdout,
    () => '',
  );
  if (rules.includes(`-i ${bridge} `)) return [];
  const docker = rules.includes('-N DOCKER-USER');
  const hooks = (['input', 'forward'] as const).filter((hook) => rules.includes(`-P ${hook.toUpperCase()} DROP`));
  return hooks.map((hook) => ({ where: `${tool}-legacy`, hook, docker, tool }));
}
