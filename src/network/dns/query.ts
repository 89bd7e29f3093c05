import * as packets from 'dns-packet';
import { isIPv4, isIPv6 } from 'node:net';
import { canonicalAddress } from '../subnet.ts';
import { headerLength, opcodeMask, rcode, recursionAvailable, recursionDesired, responseBit } from './message.ts';
import type { Names } from './names.ts';

/** A message we can answer or pass on. */
export interface Query {
  readonly id: number;
  /** Lower case, no dot at its end. */
  readonly name: string;
  readonly type: string;
  readonly questions: packets.Question[];
  readonly flags: number;
}

const authoritative = 0x0400;

/** How long a guest may remember a pod's name: pods come and go. */
const ownTtlSeconds = 5;

/** Reads a query, or says with which code to refuse it; `silence` where the bytes are none (a reflected answer, say). */
export function parseQuery(message: Buffer): Query | { readonly refuse: number } | 'silence' {
  if (message.length < headerLength) return 'silence';
  const id = message.readUInt16BE(0);
  const flags = message.readUInt16BE(2);
  if ((flags & responseBit) !== 0) return 'silence';
  if ((flags & opcodeMask) !== 0) return { refuse: rcode.notImplemented };
  try {
    const { questions = [] } = packets.decode(message);
    const [question, ...rest] = questions;
    if (question === undefined || rest.length > 0) return { refuse: rcode.formatError };
    return { id, flags, name: question.name.toLowerCase().replace(/\.$/, ''), type: question.type, questions };
  } catch {
    return { refuse: rcode.formatError };
  }
}

/** The answer from our own names, or undefined when upstream is to be asked. */
export function answerOwn(query: Query, names: Names): Buffer | undefined {
  const { id, name, type, questions } = query;
  const flags = authoritative | recursionAvailable | (query.flags & recursionDesired);
  const asked = questions[0]?.name ?? name;
  const pointed = addressOfPointer(name);
  const found = pointed === undefined ? undefined : names.reverse(pointed);
  if (found !== undefined) {
    // Nobody upstream knows our addresses, nor should they hear of them (RFC 6303).
    if (found === null) return encode(id, flags | rcode.nameError, questions, []);
    const answers = type === 'PTR' ? [{ type: 'PTR' as const, name: asked, ttl: ownTtlSeconds, data: found }] : [];
    return encode(id, flags, questions, answers);
  }
  const addresses = names.resolve(name);
  if (addresses === undefined) return undefined;
  const answers = addresses
    .map((data) => ({ type: isIPv6(data) ? ('AAAA' as const) : ('A' as const), data }))
    .filter((each) => type === each.type || type === 'ANY');
  return encode(
    id,
    flags,
    questions,
    answers.map((each) => ({ ...each, name: asked, ttl: ownTtlSeconds })),
  );
}

function encode(id: number, flags: number, questions: packets.Question[], answers: packets.Answer[]): Buffer {
  return packets.encode({ type: 'response', id, flags, questions, answers });
}

/** `2.123.168.192.in-addr.arpa` → `192.168.123.2`, and of IPv6 each digit (RFC 3596, 2.5). */
function addressOfPointer(name: string): string | undefined {
  const reversed = /^([\d.]+)\.in-addr\.arpa$/.exec(name)?.[1];
  const address = reversed?.split('.').reverse().join('.');
  if (address !== undefined && isIPv4(address)) return address;
  const digits = /^((?:[\da-f]\.){32})ip6\.arpa$/.exec(name)?.[1]?.split('.').reverse().join('');
  return digits === undefined ? undefined : canonicalAddress((digits.match(/.{4}/g) ?? []).join(':'));
}
