import { BlockList, isIP } from 'node:net';

/** `[::1]:5000` and `host:5000` without their port and brackets. */
export function hostnameOf(host: string): string {
  return /^\[([^\]]*)\]/.exec(host)?.[1] ?? host.replace(/:\d+$/, '');
}

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  const family = isIP(address);
  if (family === 0) return undefined;
  return family === 4 ? 'ipv4' : 'ipv6';
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether a host (port allowed) is this machine: such registries are insecure-allowed, as Docker has it. */
export function isLoopback(host: string): boolean {
  const name = hostnameOf(host).toLowerCase();
  const family = familyOf(name);
  return name === 'localhost' || (family !== undefined && loopback.check(name, family));
}

/** Whether the operator listed a host (`HOST`, `HOST:PORT` or a CIDR that holds its address) as insecure. */
export function isListedInsecure(host: string, listed: readonly string[]): boolean {
  const name = hostnameOf(host).toLowerCase();
  const family = familyOf(name);
  return listed.some((entry) => {
    const wanted = entry.toLowerCase();
    if (wanted === host.toLowerCase() || wanted === name) return true;
    const [network, bits] = wanted.split('/');
    if (network === undefined || bits === undefined || family === undefined || familyOf(network) !== family)
      return false;
    const subnet = new BlockList();
    subnet.addSubnet(network, Number(bits), family);
    return subnet.check(name, family);
  });
}
