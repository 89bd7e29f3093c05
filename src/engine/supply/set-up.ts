import { randomBytes } from 'node:crypto';
import type { NicSetup } from '../../guest/index.ts';
import { HyperError } from '../../lib/errors.ts';
import { type Endpoint, mainEndpoint, mainIpv6Endpoint } from '../../network/index.ts';
import type { Vm } from '../../vm/index.ts';
import type { IdleVm } from './ready-vm.ts';

/** The NIC that a VM has from its start; the others are plugged in. */
const builtIn = 0;

/** What a guest must have of its own before any process of its user runs: clones of one template are twins until then. */
export async function setUp(idle: IdleVm, hostname: string, signal: AbortSignal): Promise<void> {
  await whileThere(idle, signal, setUpGuest(idle, hostname));
}

/** What the clones of a template can have in common: a NIC that is up, without an address. */
export async function setUpTemplate(
  { vm, agent, endpoints }: Pick<IdleVm, 'vm' | 'agent' | 'endpoints'>,
  signal: AbortSignal,
): Promise<void> {
  const nics = endpoints.map((endpoint) => ({ ...nicSetup(endpoint, endpoints), addresses: [], gateways: [] }));
  await whileThere({ vm, agent }, signal, agent.setUp({ entropy: randomBytes(64), hostname: 'hyper', nics }));
}

/** Rejects when the guest goes meanwhile, or the signal comes. */
async function whileThere(
  { vm, agent }: Pick<IdleVm, 'vm' | 'agent'>,
  signal: AbortSignal,
  work: Promise<void>,
): Promise<void> {
  const lost = Promise.withResolvers<never>();
  agent.listen({ onExit: () => undefined, onClose: (cause) => lost.reject(lostAgent(cause)) });
  void vm.ended.then(({ reason }) => lost.reject(new HyperError('vm_failed', reason)));
  const giveUp = (): void =>
    lost.reject(new HyperError('timeout', 'the guest did not answer', { cause: signal.reason }));
  signal.addEventListener('abort', giveUp, { once: true });
  if (signal.aborted) giveUp();
  try {
    await Promise.race([work, lost.promise]);
  } finally {
    signal.removeEventListener('abort', giveUp);
    lost.promise.catch(() => undefined);
  }
}

async function setUpGuest({ agent, vm, endpoints }: IdleVm, hostname: string): Promise<void> {
  refuseSameMac(endpoints);
  const nicOf = (endpoint: Endpoint): NicSetup => nicSetup(endpoint, endpoints);
  const [first, further] = [
    endpoints.filter(({ nic }) => nic === builtIn),
    endpoints.filter(({ nic }) => nic !== builtIn),
  ];
  const plugged = plugAll(vm, further);
  plugged.catch(() => undefined); // heard below
  await agent.setUp({ entropy: randomBytes(64), hostname, nics: first.map(nicOf) });
  await plugged;
  await Promise.all(further.map((endpoint) => agent.configureNic(nicOf(endpoint))));
}

async function plugAll(vm: Vm, endpoints: readonly Endpoint[]): Promise<void> {
  for (const { nic, tap, mac } of endpoints) await vm.plugNic({ number: nic, tap, mac });
}

/** A guest knows its NICs by their MACs. */
export function refuseSameMac(endpoints: readonly Endpoint[]): void {
  const twice = endpoints.find(({ mac }, at) => endpoints.findIndex((other) => other.mac === mac) !== at);
  if (twice !== undefined) {
    throw new HyperError('conflict', `the pod has two NICs with the MAC address ${twice.mac}: choose another`);
  }
}

/** What a guest calls a NIC. */
export const interfaceOf = ({ nic }: Endpoint): string => `eth${nic}`;

/** What a guest is told of one of its NICs. */
export function nicSetup(endpoint: Endpoint, all: readonly Endpoint[]): NicSetup {
  const { nic, mac, address, prefixLength, gateway, ipv6, mtu } = endpoint;
  const ofIpv6 = ipv6 === null ? [] : [`${ipv6.address}/${ipv6.prefixLength}`];
  return {
    ...{ name: interfaceOf(endpoint), mac, mtu, addresses: [`${address}/${prefixLength}`, ...ofIpv6] },
    gateways: [
      ...(mainEndpoint(all)?.nic === nic ? [gateway] : []),
      ...(ipv6 !== null && mainIpv6Endpoint(all)?.nic === nic ? [ipv6.gateway] : []),
    ],
  };
}

function lostAgent(cause: Error | undefined): HyperError {
  return new HyperError('vm_failed', 'the connection to the guest agent has ended', { cause });
}
