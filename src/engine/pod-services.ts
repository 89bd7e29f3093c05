import { isIPv6 } from 'node:net';
import type { ServiceSetup } from '../guest/index.ts';
import { HyperError, messageOf } from '../lib/errors.ts';
import { mainIpv6Endpoint } from '../network/index.ts';
import type { PodRecord, ServiceOfPod } from '../store/index.ts';
import { describeService, networkOfService } from './plan-service.ts';
import type { EngineOptions } from './pod-context.ts';
import type { PodRun } from './pod-run.ts';
import { interfaceOf } from './supply/index.ts';

/** Tells a pod's guest its services, all of them. Those of a pod that has got no NIC cannot be: it has a warning. */
export async function setServices(
  record: PodRecord,
  { vm, agent }: Pick<PodRun, 'vm' | 'agent'>,
  networks: EngineOptions['networks'],
): Promise<void> {
  if (record.endpoints.length === 0) return;
  await vm.plugModules();
  await agent.setServices(record.services.map((service) => setupOf(service, record, networks)));
}

/** The same where the pod's networks have changed, whatever the guest says to it. */
export async function routeServices(record: PodRecord, run: PodRun, { networks, log }: EngineOptions): Promise<void> {
  if (record.services.length === 0) return;
  await setServices(record, run, networks).catch((error: unknown) => {
    log.warn({ pod: record.id, error: messageOf(error) }, 'the services of a pod do not follow its networks');
  });
}

function setupOf(service: ServiceOfPod, record: PodRecord, networks: EngineOptions['networks']): ServiceSetup {
  const way = networkOfService(service, record, networks);
  const { endpoints } = record;
  const byNetwork = endpoints.find(({ network }) => network === way?.name) ?? endpoints[0];
  const endpoint = isIPv6(service.address) && byNetwork?.ipv6 === null ? mainIpv6Endpoint(endpoints) : byNetwork;
  if (endpoint === undefined) {
    const advice = 'connect the pod to one that has its address family';
    throw new HyperError('conflict', `service ${describeService(service)}: its hosts are on no network: ${advice}`);
  }
  return { ...service, interface: interfaceOf(endpoint) };
}
