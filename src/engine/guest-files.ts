import { createHash } from 'node:crypto';
import type { ContainerFile } from '../guest/index.ts';
import type { PodRecord } from '../store/index.ts';
import { hostLines } from './network-plan.ts';

/**
 * The files that Docker puts into every container, made of the pod's name, address and DNS server; and a machine id of the
 * pod's own, the same at each of its starts, which systemd, D-Bus and others take for the machine's.
 */
export function guestFiles(pod: PodRecord): ContainerFile[] {
  const { hostname, endpoint } = pod;
  const hosts = [
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'ff00::0\tip6-mcastprefix',
    'ff02::1\tip6-allnodes',
    'ff02::2\tip6-allrouters',
    `${endpoint?.address ?? '127.0.1.1'}\t${hostname}`,
    ...hostLines(pod),
  ];
  const resolver = [
    ...(pod.dns.search.length === 0 ? [] : [`search ${pod.dns.search.join(' ')}`]),
    ...(endpoint?.dns ?? []).map((server) => `nameserver ${server}`),
  ];
  const file = (path: string, lines: readonly string[], mode = 0o644): ContainerFile => ({
    path,
    mode,
    uid: 0,
    gid: 0,
    content: Buffer.from(lines.map((line) => `${line}\n`).join('')),
  });
  return [
    file('/etc/hostname', [hostname]),
    file('/etc/hosts', hosts),
    file('/etc/resolv.conf', resolver),
    file('/etc/machine-id', [machineId(pod.id)], 0o444),
  ];
}

/** 32 hex digits (machine-id(5)) that say nothing of the pod's id. */
function machineId(podId: string): string {
  return createHash('sha256').update(`machine-id of ${podId}`).digest('hex').slice(0, 32);
}
