import * as packets from 'dns-packet';

/** Whether a query may go outside, and what is to be done with the addresses of the answer before the asker has them. */
export type Gate = 'open' | 'closed' | ((addresses: readonly string[], seconds: number) => Promise<void>);

/** The addresses of an answer, and how long they hold. */
export function addressesOf(answer: Buffer): { readonly addresses: readonly string[]; readonly seconds: number } {
  const { answers = [] } = packets.decode(answer);
  const found = answers.flatMap((each) =>
    each.type === 'A' || each.type === 'AAAA' ? [{ address: each.data, ttl: each.ttl ?? 0 }] : [],
  );
  return {
    addresses: [...new Set(found.map(({ address }) => address))],
    seconds: Math.max(0, ...found.map(({ ttl }) => ttl)),
  };
}
