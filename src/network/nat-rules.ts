import { allGuests, networkEgress } from './egress.ts';
import { type FirewallOptions, metadataServices, tableOf } from './firewall-options.ts';
import { ipv4Packets, ipv6Packets, type PacketFamily } from './packet-family.ts';

/** Of both families, where the network has them. */
export function natRules(options: FirewallOptions): string {
  const { subnet, ipv6 } = options;
  return (
    familyRules(ipv4Packets, subnet, dnsRules(options), options) +
    (ipv6 === null ? '' : familyRules(ipv6Packets, ipv6.subnet, '', options))
  );
}

/**
 * Published ports, DNS, and the way out. A packet of the host's own loopback, and one of a guest to its own network's
 * published port, must come back the way it went: its source becomes the bridge's. IPv6's loopback has no such way (a
 * kernel with br_netfilter drops the answers before they are routed): hyperd itself serves it (ports/loopback-proxy.ts).
 */
function familyRules(family: PacketFamily, subnet: string, dns: string, options: FirewallOptions): string {
  const { bridge, internal, egress } = options;
  const host = family === ipv4Packets ? rulesOfHostOutside(options) : noHost;
  const { name: ip, type } = family;
  const table = tableOf(bridge);
  const chains = {
    prerouting: 'type nat hook prerouting priority dstnat; policy accept;',
    output: 'type nat hook output priority -100; policy accept;',
    postrouting: 'type nat hook postrouting priority srcnat; policy accept;',
    egress: 'type filter hook forward priority -1; policy accept;',
    guard: 'type filter hook forward priority -2; policy accept;',
    guard_host: 'type filter hook output priority filter; policy accept;',
    published: '',
  };
  const bounds = egress === null ? '' : networkEgress(family, table, egress, metadataServices);
  const bounded = bounds === '' ? '' : `    iifname "${bridge}" oifname != "${bridge}" jump egress_${allGuests}\n`;
  const masquerade = internal ? '' : `    ${ip} saddr ${subnet} oifname != "${bridge}" masquerade\n`;
  const [reached, ofLoopback] =
    family === ipv6Packets
      ? ['ip6 daddr != ::1 ', '']
      : ['', `    oifname "${bridge}" ip saddr 127.0.0.0/8 masquerade\n`];
  return `
table ${ip} ${table} {
  map ports { type ${type} . inet_proto . inet_service : ${type} . inet_service; }
  map egress_guests { type ${type} : verdict; }
  map guarded { type ${type} : verdict; }
  map ports_of_all { type inet_proto . inet_service : ${type} . inet_service; }
${Object.entries(chains)
  .map(([name, kind]) => `  chain ${name} { ${kind} }\n`)
  .join('')}}
${Object.keys(chains)
  .map((name) => `flush chain ${ip} ${table} ${name}\n`)
  .join('')}${bounds}
table ${ip} ${table} {
  chain prerouting {
${dns}    fib daddr type local jump published
${host.prerouting}  }
  chain output {
    ${reached}fib daddr type local jump published
  }
  chain published {
    dnat to ${ip} daddr . meta l4proto . th dport map @ports
    dnat to meta l4proto . th dport map @ports_of_all
  }
  chain egress {
    ct direction reply accept
${host.egress}${bounded}    iifname "${bridge}" oifname != "${bridge}" ${ip} saddr vmap @egress_guests
  }
  chain guard {
    oifname "${bridge}" ${ip} daddr vmap @guarded
  }
  chain guard_host {
    oifname "${bridge}" ${ip} daddr vmap @guarded
  }
  chain postrouting {
${masquerade}${host.postrouting}${ofLoopback}    oifname "${bridge}" ${ip} saddr ${subnet} ct status dnat masquerade
  }
}
`;
}

const noHost = { prerouting: '', egress: '', postrouting: '' };

/**
 * Where the host is outside our namespace, its addresses lead guests to published ports as they do on the host, and what
 * guests ask of the gateway beside that is led to the host: who may pass `firewall-rules.ts` says.
 */
function rulesOfHostOutside({ bridge, subnet, gateway, hostOutside }: FirewallOptions): typeof noHost {
  const addresses = hostOutside?.addresses ?? [];
  const [host] = addresses;
  if (host === undefined) return noHost;
  return {
    prerouting:
      `    ip daddr { ${addresses.join(', ')} } jump published\n` +
      `    iifname "${bridge}" ip daddr ${gateway} meta l4proto { tcp, udp } dnat to ${host}\n`,
    egress: `    ip daddr ${host} ct status dnat accept\n`,
    postrouting: `    ip saddr ${subnet} ip daddr ${host} ct status dnat masquerade\n`,
  };
}

/** Guests' DNS is ours whatever is published; something else on this host may have port 53 of all addresses. */
function dnsRules({ bridge, gateway, dnsPort }: FirewallOptions): string {
  const to = dnsPort === 53 ? 'accept' : `redirect to :${dnsPort}`;
  return ['udp', 'tcp']
    .map((protocol) => `    iifname "${bridge}" ip daddr ${gateway} ${protocol} dport 53 ${to}\n`)
    .join('');
}
