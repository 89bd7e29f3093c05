import { randomBytes } from 'node:crypto';
import type { NicSetup } from '../../guest/index.ts';
import { HyperError } from '../../lib/errors.ts';
import type { Endpoint } from '../../network/index.ts';
import type { IdleVm } from './ready-vm.ts';

/** What a guest must have of its own before any process of its user runs: clones of one template are twins until then. */
export async function setUp({ agent, endpoint, vm }: IdleVm, hostname: string, signal: AbortSignal): Promise<void> {
  const nic = (from: Endpoint): NicSetup => ({
    name: 'eth0',
    mac: from.mac,
    addresses: [`${from.address}/${from.prefixLength}`],
    gateway: from.gateway,
    mtu: from.mtu,
  });
  const lost = Promise.withResolvers<never>();
  agent.listen({ onExit: () => undefined, onClose: (cause) => lost.reject(lostAgent(cause)) });
  void vm.ended.then(({ reason }) => lost.reject(new HyperError('vm_failed', reason)));
  const giveUp = (): void =>
    lost.reject(new HyperError('timeout', 'the guest did not answer', { cause: signal.reason }));
  signal.addEventListener('abort', giveUp, { once: true });
  const entropy = randomBytes(64);
  try {
    signal.throwIfAborted();
    const nics = endpoint === null ? [] : [nic(endpoint)];
    await Promise.race([agent.setUp({ entropy, hostname, nics }), lost.promise]);
  } finally {
    signal.removeEventListener('abort', giveUp);
    lost.promise.catch(() => undefined);
  }
}

function lostAgent(cause: Error | undefined): HyperError {
  return new HyperError('vm_failed', 'the connection to the guest agent has ended', { cause });
}
