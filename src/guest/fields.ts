import { violation } from './frames.ts';

/** docs/agent-protocol.md, Fields. */
export const tag = {
  id: 1,
  op: 2,
  status: 3,
  message: 4,
  seq: 5,
  event: 6,
  version: 7,
  nonce: 8,
  process: 9,
  container: 10,
  clock: 11,
  entropy: 12,
  hostname: 13,
  nic: 14,
  name: 15,
  mac: 16,
  address: 17,
  gateway: 18,
  mtu: 19,
  agent: 20,
  state: 21,
  pid: 22,
  code: 23,
  signal: 24,
  oom: 25,
  failure: 26,
  time: 27,
  uptime: 28,
  sysctl: 29,
  serial: 30,
  path: 31,
  options: 32,
  mode: 33,
  uid: 34,
  gid: 35,
  content: 36,
  readOnly: 37,
  tmpfs: 38,
  file: 39,
  volume: 40,
  shmSize: 41,
  root: 42,
  scratch: 43,
  mount: 44,
  type: 45,
  source: 46,
  seed: 47,
  fstype: 48,
  partition: 49,
  arg: 50,
  env: 51,
  cwd: 52,
  user: 53,
  tty: 54,
  rows: 55,
  cols: 56,
  stdin: 57,
  rlimit: 58,
  soft: 59,
  hard: 60,
  caps: 61,
  pidsMax: 62,
  memoryMax: 63,
  cpuMax: 64,
  stream: 65,
  standby: 66,
  group: 67,
  frozen: 80,
  task: 81,
  service: 90,
  host: 91,
  port: 92,
  protocol: 93,
  scratchSize: 94,
} as const;

/** Integers, text, bytes, or a record of fields. Booleans are 0 and 1. */
export type FieldValue = number | bigint | boolean | string | Buffer | readonly Field[];
export type Field = readonly [tag: number, value: FieldValue];

const headBytes = 5;

function bytesOf(value: FieldValue): Buffer {
  if (Buffer.isBuffer(value)) return value;
  if (typeof value === 'string') return Buffer.from(value);
  if (typeof value === 'object') return encodeFields(value);
  const integer = Buffer.allocUnsafe(8);
  integer.writeBigUInt64LE(BigInt(value));
  return integer;
}

export function encodeFields(fields: readonly Field[]): Buffer {
  const parts: Buffer[] = [];
  for (const [fieldTag, value] of fields) {
    const bytes = bytesOf(value);
    const head = Buffer.allocUnsafe(headBytes);
    head[0] = fieldTag;
    head.writeUInt32LE(bytes.length, 1);
    parts.push(head, bytes);
  }
  return Buffer.concat(parts);
}

/** The fields of a payload that came from the guest: every length is checked, every read says what it expects. */
export class Fields {
  readonly #values: readonly (readonly [number, Buffer])[];

  constructor(payload: Buffer) {
    const values: [number, Buffer][] = [];
    for (let offset = 0; offset < payload.length;) {
      if (payload.length - offset < headBytes) throw violation('a field is cut off');
      const fieldTag = payload[offset] ?? 0;
      const length = payload.readUInt32LE(offset + 1);
      const begin = offset + headBytes;
      if (length > payload.length - begin) throw violation('a field is longer than its message');
      values.push([fieldTag, payload.subarray(begin, begin + length)]);
      offset = begin + length;
    }
    this.#values = values;
  }

  all(fieldTag: number): readonly Buffer[] {
    return this.#values.filter(([each]) => each === fieldTag).map(([, value]) => value);
  }

  bytes(fieldTag: number): Buffer | undefined {
    return this.#values.find(([each]) => each === fieldTag)?.[1];
  }

  text(fieldTag: number): string | undefined {
    return this.bytes(fieldTag)?.toString('utf8');
  }

  /** An integer that fits a JavaScript number exactly. */
  integer(fieldTag: number): number | undefined {
    const bytes = this.bytes(fieldTag);
    if (bytes === undefined) return undefined;
    if (bytes.length !== 8) throw violation(`field ${fieldTag} is not an integer`);
    const value = bytes.readBigUInt64LE();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw violation(`field ${fieldTag} is out of range`);
    return Number(value);
  }

  /** Nanoseconds do not fit a number. */
  bigint(fieldTag: number): bigint | undefined {
    const bytes = this.bytes(fieldTag);
    if (bytes === undefined) return undefined;
    if (bytes.length !== 8) throw violation(`field ${fieldTag} is not an integer`);
    return bytes.readBigUInt64LE();
  }

  required(fieldTag: number): number {
    const value = this.integer(fieldTag);
    if (value === undefined) throw violation(`field ${fieldTag} is missing`);
    return value;
  }
}
