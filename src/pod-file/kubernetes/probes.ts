import type { ContainerSpec, ProbeSpec } from '../../contract/index.ts';
import { didYouMean } from '../close-match.ts';
import { showFound } from '../found.ts';
import type { FieldPath, Problems } from '../problems.ts';
import type { ManifestProbe } from '../schema/probe-fields.ts';
import type { Container } from './container-fields.ts';

/** A container's probes; a port that has a name is one of its ports. */
export function translateProbes(container: Container, at: FieldPath, problems: Problems): ContainerSpec['probes'] {
  const translate = (key: 'startupProbe' | 'livenessProbe' | 'readinessProbe'): ProbeSpec | undefined => {
    const probe = container[key];
    return probe === undefined ? undefined : translateProbe(probe, container, [...at, key], problems);
  };
  const [startup, liveness, readiness] = [
    translate('startupProbe'),
    translate('livenessProbe'),
    translate('readinessProbe'),
  ];
  const has = startup !== undefined || liveness !== undefined || readiness !== undefined;
  return has ? { startup, liveness, readiness } : undefined;
}

function translateProbe(
  { exec, httpGet, tcpSocket, initialDelaySeconds, periodSeconds, timeoutSeconds, ...thresholds }: ManifestProbe,
  { ports = [] }: Container,
  at: FieldPath,
  problems: Problems,
): ProbeSpec {
  const portOf = (port: number | string, of: string): number => {
    if (typeof port === 'number') return port;
    const found = ports.find(({ name }) => name === port)?.containerPort;
    if (found !== undefined) return found;
    const names = ports.flatMap(({ name }) => name ?? []);
    const advice = didYouMean(port, names) || (names.length === 0 ? ': none has a name' : '');
    problems.add([...at, of, 'port'], `must be one of the container's ports, found ${showFound(port)}${advice}`);
    return 1;
  };
  const { successThreshold, failureThreshold } = thresholds;
  return {
    exec,
    httpGet: httpGet && {
      port: portOf(httpGet.port, 'httpGet'),
      // As kubelet: it is a path from the root, whatever it begins with.
      path: httpGet.path === undefined ? undefined : httpGet.path.replace(/^\/?/, '/'),
      scheme: httpGet.scheme,
      httpHeaders: httpGet.httpHeaders,
    },
    tcpSocket: tcpSocket && { port: portOf(tcpSocket.port, 'tcpSocket') },
    ...{ initialDelaySeconds, periodSeconds, timeoutSeconds, successThreshold, failureThreshold },
  };
}
