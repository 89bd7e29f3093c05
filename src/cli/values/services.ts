import { isIPv4, isIPv6 } from 'node:net';
import type { ServiceHost, ServiceRemoval } from '../../contract/index.ts';
import { UsageError } from '../usage-error.ts';

/** `10.254.0.1:80`, `[fd00::1]:53/udp`. */
export function parseService(text: string): Required<ServiceRemoval> {
  const [place = '', protocol = 'tcp', ...more] = text.split('/');
  if ((protocol !== 'tcp' && protocol !== 'udp') || more.length > 0) {
    throw new UsageError(`the service is '${text}': the protocol must be tcp or udp`);
  }
  return { ...parsePlace(place, `the service is '${text}'`), protocol };
}

/** `10.88.0.2:8080`, `[fd00::2]:8080`. */
export function parseServiceHost(text: string): ServiceHost {
  return parsePlace(text, `the host is '${text}'`);
}

function parsePlace(text: string, found: string): ServiceHost {
  const [, ipv6, ipv4, portText = ''] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
  const address = ipv6 ?? ipv4;
  const port = Number(portText);
  const isAddress = ipv6 === undefined ? isIPv4(address ?? '') : isIPv6(ipv6);
  if (address === undefined || !isAddress || port < 1 || port > 65_535) {
    throw new UsageError(`${found}: give an IP address and a port, 10.254.0.1:80 or [fd00:254::1]:80`);
  }
  return { address, port };
}
