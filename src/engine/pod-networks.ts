import { HyperError, messageOf } from '../lib/errors.ts';
import { type Endpoint, mainEndpoint, mainIpv6Endpoint } from '../network/index.ts';
import type { NetworkOfPod, PodRecord } from '../store/index.ts';
import { networkFiles } from './guest-files.ts';
import { nicOf, planNetworkOf } from './network-plan.ts';
import type { EngineOptions } from './pod-context.ts';
import { publishAll, replaceEndpoint } from './pod-ports.ts';
import type { PodRun } from './pod-run.ts';
import { routeServices } from './pod-services.ts';
import type { NetworkOfPodSpec } from './pod-spec.ts';
import { nicSetup, refuseSameMac } from './supply/index.ts';

/**
 * Puts a pod on a further network: at once where it runs, and at each of its starts. What a failure has begun is taken
 * back; what a hyperd has begun that died, the next one takes back (`leaveNetworks`).
 */
export async function joinNetwork(
  record: PodRecord,
  spec: NetworkOfPodSpec,
  run: PodRun | undefined,
  options: EngineOptions,
): Promise<void> {
  const wanted = planNetworkOf(spec, record.networks, options.networks);
  if (run === undefined) {
    record.networks.push(wanted);
    options.store.savePod(record, () => record.networks.pop());
    return;
  }
  await plugIn(record, wanted, run, options);
  record.networks.push(wanted);
  options.store.keepPod(record);
  await routeServices(record, run, options);
}

/** Takes a pod off a network, now and for its next start. */
export async function leaveNetwork(
  record: PodRecord,
  network: string,
  run: PodRun | undefined,
  options: EngineOptions,
): Promise<void> {
  const left = record.networks.filter((each) => each.network !== network);
  if (left.length === record.networks.length) {
    throw new HyperError('not_found', `pod ${record.name} is not on the network ${network}: see 'hyper inspect'`);
  }
  const before = record.networks;
  record.networks = left;
  options.store.savePod(record, () => (record.networks = before));
  if (run !== undefined) await leaveNetworks(record, run, options);
}

/** Takes away the NICs of a pod that runs on networks that it is not to be on. */
export async function leaveNetworks(record: PodRecord, run: PodRun, options: EngineOptions): Promise<void> {
  const unwanted = record.endpoints.filter((each) => !record.networks.some(({ network }) => network === each.network));
  for (const { nic } of unwanted) {
    const endpoint = record.endpoints.find((each) => each.nic === nic);
    if (endpoint !== undefined) await pull(record, endpoint, run, options);
  }
  if (unwanted.length > 0) await routeServices(record, run, options);
}

async function plugIn(record: PodRecord, wanted: NetworkOfPod, run: PodRun, options: EngineOptions): Promise<void> {
  const { networks, store, supply, hypervisor, log } = options;
  const before = [...record.endpoints];
  const number = firstFree(before.map(({ nic }) => nic));
  const nic = { ...nicOf(record, wanted), nic: number, ownerUid: hypervisor.user.uid };
  await supply.freeAddresses([nic]);
  const made = await networks.connect(run.vm.record.id, nic);
  try {
    record.endpoints = [...before, made];
    refuseSameMac(record.endpoints);
    store.savePod(record); // before anything uses it
    await run.vm.plugNic({ number, tap: made.tap, mac: made.mac });
    await run.agent.configureNic(nicSetup(made, record.endpoints));
    await updateFiles(record, run);
    await movePorts(record, mainEndpoint(before), options);
  } catch (error) {
    log.warn({ pod: record.id, network: wanted.network, error: messageOf(error) }, 'a NIC could not be plugged in');
    await pull(record, made, run, options).catch((left: unknown) => {
      log.error({ pod: record.id, error: messageOf(left) }, 'a NIC is left: the next start of hyperd removes it');
    });
    throw error;
  }
}

/** Whatever the guest says to it. */
async function pull(record: PodRecord, endpoint: Endpoint, run: PodRun, options: EngineOptions): Promise<void> {
  const { networks, store, log } = options;
  const { nic, mac } = endpoint;
  const wasMain = mainEndpoint(record.endpoints);
  const inGuest = async (act: Promise<void>): Promise<void> => {
    await act.catch((error: unknown) => {
      log.warn({ pod: record.id, nic, error: messageOf(error) }, 'a guest does not follow a change of its networks');
    });
  };
  const left = record.endpoints.filter((each) => each.nic !== nic);
  const main = mainEndpoint(left);
  await inGuest(run.agent.removeNic(mac));
  for (const way of waysOut(left)) await inGuest(run.agent.configureNic(nicSetup(way, left)));
  await run.vm.unplugNic(nic);
  const now = record.endpoints.find((each) => each.nic === nic) ?? endpoint;
  record.endpoints = left;
  if (wasMain?.nic === nic && main !== undefined) await movePorts(record, now, options);
  await networks.disconnect(main === undefined ? now : { ...now, ports: [] });
  await inGuest(updateFiles(record, run));
  store.keepPod(record);
}

/** The NICs that default routes go by: one, or one a family. */
function waysOut(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const ways = [mainEndpoint(endpoints), mainIpv6Endpoint(endpoints)].filter((each) => each !== undefined);
  return [...new Set(ways)];
}

/** The published ports lead to the pod's main NIC. */
async function movePorts(record: PodRecord, from: Endpoint | undefined, options: EngineOptions): Promise<void> {
  const main = mainEndpoint(record.endpoints);
  if (main === undefined || main.nic === from?.nic) return;
  if (from === undefined) {
    await publishAll(record, options);
    return;
  }
  if (from.ports.length === 0) return;
  const [before, after] = await options.networks.movePorts(from, main);
  for (const each of [before, after]) replaceEndpoint(record, each);
}

async function updateFiles(record: PodRecord, { agent }: PodRun): Promise<void> {
  for (const { number } of record.containers) await agent.updateFiles(number, networkFiles(record));
}

function firstFree(taken: readonly number[]): number {
  let number = 0;
  while (taken.includes(number)) number++;
  return number;
}
