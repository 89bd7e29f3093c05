import { HyperError } from '../../lib/errors.ts';

export interface Change {
  readonly kind: 'added' | 'changed' | 'deleted';
  readonly path: string;
}

const kinds: Readonly<Partial<Record<string, Change['kind']>>> = { A: 'added', C: 'changed', D: 'deleted' };
/** All of them are held in memory, and a guest could go on for ever. */
const mostBytes = 64 << 20;

/** What the task `changes` writes: a letter, a path and a zero byte each; in the order of the paths. */
export async function readChanges(output: AsyncIterable<Buffer>): Promise<Change[]> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of output) {
    bytes += chunk.length;
    if (bytes > mostBytes) {
      throw new HyperError('unsupported', 'more has changed than can be told: look at parts of it, with hyper exec');
    }
    chunks.push(chunk);
  }
  const records = Buffer.concat(chunks).toString('utf8').split('\0').slice(0, -1);
  return records.map(parseChange).sort((one, other) => (one.path < other.path ? -1 : 1));
}

function parseChange(record: string): Change {
  const kind = kinds[record.slice(0, 1)];
  if (kind === undefined) throw new HyperError('vm_failed', 'the guest’s answer makes no sense: see the log of hyperd');
  return { kind, path: record.slice(1) };
}
