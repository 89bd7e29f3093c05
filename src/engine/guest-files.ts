import { createHash } from 'node:crypto';
import type { ContainerFile } from '../guest/index.ts';
import { mainEndpoint } from '../network/index.ts';
import type { ContainerRecord, PodRecord } from '../store/index.ts';
import { hostLines } from './network-plan.ts';

/**
 * What a container finds in place of its image's: the files that Docker puts into every one, made of the pod's name, addresses
 * and DNS server; a machine id of the pod's own, the same at each of its starts, which systemd, D-Bus and others take for the
 * machine's; and what its user gives it, which goes before those.
 */
export function guestFiles(pod: PodRecord, { files }: ContainerRecord): ContainerFile[] {
  const given = files.map(({ path, mode, user, readOnly, content }) => ({
    ...{ path, mode, uid: 0, gid: 0, user, readOnly },
    content: Buffer.from(content, 'base64'),
  }));
  const own = [
    file('/etc/hostname', [pod.hostname]),
    ...networkFiles(pod),
    file('/etc/machine-id', [machineId(pod.id)], 0o444),
  ];
  return [...own.filter(({ path }) => !given.some((each) => each.path === path)), ...given];
}

/** Those that change with the pod's networks. */
export function networkFiles(pod: PodRecord): ContainerFile[] {
  const { hostname, endpoints } = pod;
  const main = mainEndpoint(endpoints);
  const addresses = [main, ...endpoints.filter((each) => each !== main)]
    .flatMap((each) => [each?.address, each?.ipv6?.address])
    .filter((address) => address !== undefined);
  const hosts = [
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'ff00::0\tip6-mcastprefix',
    'ff02::1\tip6-allnodes',
    'ff02::2\tip6-allrouters',
    ...(addresses.length === 0 ? ['127.0.1.1'] : addresses).map((address) => `${address}\t${hostname}`),
    ...hostLines(pod),
  ];
  const resolver = [
    ...(pod.dns.search.length === 0 ? [] : [`search ${pod.dns.search.join(' ')}`]),
    ...(main?.dns ?? []).map((server) => `nameserver ${server}`),
    ...(pod.dns.options.length === 0 ? [] : [`options ${pod.dns.options.join(' ')}`]),
  ];
  return [file('/etc/hosts', hosts), file('/etc/resolv.conf', resolver)];
}

function file(path: string, lines: readonly string[], mode = 0o644): ContainerFile {
  return { path, mode, uid: 0, gid: 0, content: Buffer.from(lines.map((line) => `${line}\n`).join('')) };
}

/** 32 hex digits (machine-id(5)) that say nothing of the pod's id. */
function machineId(podId: string): string {
  return createHash('sha256').update(`machine-id of ${podId}`).digest('hex').slice(0, 32);
}
