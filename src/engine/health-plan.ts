import type { ImageConfig } from '../image/index.ts';
import { HyperError } from '../lib/errors.ts';
import { isInNetwork, type WhiteLists } from '../network/index.ts';
import type { ContainerRecord, HealthCheckRecord, ProbeAction, ProbeRecord } from '../store/index.ts';

/** What a user asks for; the API's shape fits it. */
export interface HealthCheckSpec {
  /** `["CMD", program, …]`, `["CMD-SHELL", text]` or `["NONE"]`; left out: the image's. */
  readonly test?: readonly string[] | undefined;
  readonly intervalSeconds?: number | undefined;
  readonly timeoutSeconds?: number | undefined;
  readonly retries?: number | undefined;
  readonly startPeriodSeconds?: number | undefined;
  readonly startIntervalSeconds?: number | undefined;
}

export interface ProbeSpec {
  readonly exec?: { readonly command: readonly string[] } | undefined;
  readonly httpGet?:
    | {
        readonly port: number;
        readonly path?: string | undefined;
        readonly scheme?: 'HTTP' | 'HTTPS' | undefined;
        readonly httpHeaders?: readonly { readonly name: string; readonly value: string }[] | undefined;
      }
    | undefined;
  readonly tcpSocket?: { readonly port: number } | undefined;
  readonly initialDelaySeconds?: number | undefined;
  readonly periodSeconds?: number | undefined;
  readonly timeoutSeconds?: number | undefined;
  readonly successThreshold?: number | undefined;
  readonly failureThreshold?: number | undefined;
}

export interface HealthSpec {
  readonly healthCheck?: HealthCheckSpec | undefined;
  readonly probes?:
    | {
        readonly startup?: ProbeSpec | undefined;
        readonly liveness?: ProbeSpec | undefined;
        readonly readiness?: ProbeSpec | undefined;
      }
    | undefined;
}

/** What docker takes to run a command that is text, where the image does not say. */
const defaultShell = ['/bin/sh', '-c'];

/** What is stored of how a container's health is found out. @throws HyperError `bad_request` */
export function planHealth(
  { healthCheck, probes = {} }: HealthSpec,
  image: Pick<ImageConfig, 'healthCheck' | 'shell'>,
): Pick<ContainerRecord, 'healthCheck' | 'probes'> {
  const { startup, liveness, readiness } = probes;
  return {
    healthCheck: planCheck(healthCheck ?? {}, image),
    probes: { startup: planProbe(startup), liveness: planProbe(liveness), readiness: planProbe(readiness) },
  };
}

/** docker's rules and defaults: what its user does not say is the image's. */
function planCheck(
  spec: HealthCheckSpec,
  { healthCheck: image, shell }: Pick<ImageConfig, 'healthCheck' | 'shell'>,
): HealthCheckRecord | null {
  const [kind, ...command] = spec.test ?? image?.test ?? [];
  if (kind === 'NONE') return null;
  if (kind === undefined) {
    const [said] = Object.entries(spec).flatMap(([key, value]) => (value === undefined ? [] : [key]));
    if (said === undefined) return null;
    throw new HyperError('bad_request', `${said} is of a health check, and the image has none: give a command too`);
  }
  return {
    args: kind === 'CMD' ? command : [...(shell.length > 0 ? shell : defaultShell), ...command],
    interval: spec.intervalSeconds ?? image?.intervalSeconds ?? 30,
    timeout: spec.timeoutSeconds ?? image?.timeoutSeconds ?? 30,
    retries: spec.retries ?? image?.retries ?? 3,
    startPeriod: spec.startPeriodSeconds ?? image?.startPeriodSeconds ?? 0,
    startInterval: spec.startIntervalSeconds ?? image?.startIntervalSeconds ?? 5,
  };
}

/** Kubernetes' defaults. */
function planProbe(spec: ProbeSpec | undefined): ProbeRecord | null {
  if (spec === undefined) return null;
  return {
    action: planAction(spec),
    initialDelay: spec.initialDelaySeconds ?? 0,
    period: spec.periodSeconds ?? 10,
    timeout: spec.timeoutSeconds ?? 1,
    successThreshold: spec.successThreshold ?? 1,
    failureThreshold: spec.failureThreshold ?? 3,
  };
}

function planAction({ exec, httpGet, tcpSocket }: ProbeSpec): ProbeAction {
  if (exec !== undefined) return { type: 'exec', args: [...exec.command] };
  if (tcpSocket !== undefined) return { type: 'tcp', port: tcpSocket.port };
  if (httpGet === undefined) throw new HyperError('bad_request', 'a probe needs one of exec, httpGet and tcpSocket');
  const { port, path = '/', scheme = 'HTTP', httpHeaders = [] } = httpGet;
  const headers = httpHeaders.map(({ name, value }) => ({ name, value }));
  return { type: 'http', port, path, https: scheme === 'HTTPS', headers };
}

/** Probes over the network need one. @throws HyperError `bad_request` */
export function refuseWithoutNetwork(containers: readonly ContainerRecord[]): void {
  const asked = askedByNetwork(containers);
  if (asked === undefined) return;
  const why = 'has a probe over the network, and its pod has none: give it a network, or the probe an exec';
  throw new HyperError('bad_request', `container ${asked.name} ${why}`);
}

/**
 * Probes over the network come from the host, by the gateway of the pod's main network.
 *
 * @throws HyperError `bad_request` where white lists would keep them out
 */
export function refuseUnlisted(
  containers: readonly ContainerRecord[],
  lists: WhiteLists | null,
  gateway: string,
): void {
  if (lists === null) return;
  if ([...lists.internal, ...lists.external].some((network) => isInNetwork({ subnet: network, ipv6: null }, gateway)))
    return;
  const asked = askedByNetwork(containers);
  if (asked === undefined) return;
  const advice = `add ${gateway} to a list, or give the probe an exec`;
  throw new HyperError('bad_request', `container ${asked.name} has a probe that the white lists keep out: ${advice}`);
}

/** One with a probe over the network. */
function askedByNetwork(containers: readonly ContainerRecord[]): ContainerRecord | undefined {
  return containers.find(({ probes }) =>
    Object.values(probes).some((probe) => probe !== null && probe.action.type !== 'exec'),
  );
}
