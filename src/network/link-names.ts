import { createHash } from 'node:crypto';
import { HyperError } from '../lib/errors.ts';
import { canonicalAddress, parseAddress } from './subnet.ts';

/** IFNAMSIZ less the closing zero. */
const maxLength = 15;

/** @throws HyperError `bad_request` when a bridge cannot be called so (also what would need quoting in nft). */
export function checkBridgeName(name: string): string {
  if (name.length > maxLength || !/^[A-Za-z][A-Za-z0-9_-]*$/.test(name)) {
    const rule = `up to ${maxLength} letters, digits, _ and -, a letter first`;
    throw new HyperError('bad_request', `not a name for a bridge: ${name}: use ${rule}`);
  }
  return name;
}

/** `vm-EljQlbnRAP`, NIC 0 → `hyEljQlbnRAP-0`; of any other id, ten letters of its hash. */
export function tapName(vmId: string, nic: number): string {
  if (!Number.isInteger(nic) || nic < 0 || nic > 99) {
    throw new HyperError('bad_request', `a VM has NICs 0 to 99, not ${nic}`);
  }
  const letters = /^vm-([A-Za-z]{10})$/.exec(vmId)?.[1] ?? hashOf(vmId).slice(0, 10);
  return `hy${letters}-${nic}`;
}

/** Whether two taps are one VM's. */
export function isOfSameVm(one: string, other: string): boolean {
  const vm = (tap: string): string => tap.slice(0, tap.lastIndexOf('-'));
  return vm(one) === vm(other);
}

/**
 * Locally administered, made from the address: unique in its network (of IPv6's addresses, which are longer, as good as),
 * and the same after a restart.
 */
export function macOf(address: string): string {
  const { family, value } = parseAddress(address);
  const hex = family === 4 ? value.toString(16).padStart(8, '0') : hashOf(canonicalAddress(address)).slice(0, 8);
  return ['02', family === 4 ? '68' : '69', ...(hex.match(/../g) ?? [])].join(':');
}

/** The link-local address that a machine makes of its MAC (RFC 4291, appendix A). */
export function linkLocalOf(mac: string): string {
  const bytes = mac.split(':').map((part) => Number.parseInt(part, 16));
  const [first = 0, ...rest] = bytes;
  const identifier = [first ^ 2, ...rest.slice(0, 2), 0xff, 0xfe, ...rest.slice(2)];
  const hex = identifier.map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return canonicalAddress(`fe80::${(hex.match(/.{4}/g) ?? []).join(':')}`);
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** @throws HyperError `bad_request` for what no guest's NIC may have: a group's address, or none at all. */
export function checkMac(text: string): string {
  const mac = text.toLowerCase();
  const first = Number.parseInt(mac.slice(0, 2), 16);
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(mac) || (first & 1) === 1 || mac === '00:00:00:00:00:00') {
    throw new HyperError('bad_request', `not a MAC address for a NIC: ${text}: write it as 02:42:ac:11:00:02`);
  }
  return mac;
}
