/** Makes tars by hand, byte by byte, with what the archivers at hand do not write: each piece is a Buffer to concatenate. */

export interface HeaderFields {
  readonly name: string | Buffer;
  /** One character: `0` file, `1` hard link, `2` symlink, `3` `4` devices, `5` folder, `6` fifo, … */
  readonly type?: string;
  readonly linkName?: string | Buffer;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly size?: number;
  readonly mtime?: number;
  readonly major?: number;
  readonly minor?: number;
  readonly prefix?: string;
  /** `ustar\0` + `00`, GNU's `ustar  \0`, or nothing (before ustar). */
  readonly format?: 'ustar' | 'gnu' | 'v7';
  /** The last word: writes into the block before it is summed. */
  readonly edit?: (block: Buffer) => void;
}

/** A header block with a right checksum. Numbers too big for octal become base-256. */
export function header(fields: HeaderFields): Buffer {
  const block = Buffer.alloc(512);
  Buffer.from(fields.name).copy(block, 0, 0, 100);
  number(block, 100, 8, fields.mode ?? 0o644);
  number(block, 108, 8, fields.uid ?? 0);
  number(block, 116, 8, fields.gid ?? 0);
  number(block, 124, 12, fields.size ?? 0);
  number(block, 136, 12, fields.mtime ?? 0);
  block.write(fields.type ?? '0', 156, 'latin1');
  Buffer.from(fields.linkName ?? '').copy(block, 157, 0, 100);
  const format = fields.format ?? 'ustar';
  if (format !== 'v7') {
    block.write(format === 'ustar' ? 'ustar\x0000' : 'ustar  \0', 257, 'latin1');
    number(block, 329, 8, fields.major ?? 0);
    number(block, 337, 8, fields.minor ?? 0);
    if (fields.prefix !== undefined) block.write(fields.prefix, 345, 155);
  }
  fields.edit?.(block);
  return withSum(block);
}

/** Puts the right checksum into a header. */
export function withSum(block: Buffer): Buffer {
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(sum.toString(8).padStart(6, '0') + '\0 ', 148, 'latin1');
  return block;
}

/** Content padded to whole blocks. */
export function body(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

/** A file with its content. */
export function file(name: string | Buffer, content: string | Buffer = '', fields: Partial<HeaderFields> = {}): Buffer {
  return Buffer.concat([header({ name, size: Buffer.byteLength(content), ...fields }), body(content)]);
}

/** A folder. */
export function folder(name: string | Buffer, fields: Partial<HeaderFields> = {}): Buffer {
  return header({ name, type: '5', mode: 0o755, ...fields });
}

/** A link: hard by default. */
export function link(name: string | Buffer, linkName: string | Buffer, type: '1' | '2' = '1'): Buffer {
  return header({ name, linkName, type, mode: 0o777 });
}

export type Records = readonly (readonly [string | Buffer, string | Buffer])[];

/** A PAX header (`x` for the next entry, `g` for all that follow). */
export function pax(records: Records, type: 'x' | 'g' = 'x'): Buffer {
  const content = Buffer.concat(records.map(([key, value]) => paxRecord(key, value)));
  return Buffer.concat([header({ name: 'PaxHeaders/x', type, size: content.length }), body(content)]);
}

function paxRecord(key: string | Buffer, value: string | Buffer): Buffer {
  const rest = Buffer.concat([
    Buffer.from(' '),
    Buffer.from(key),
    Buffer.from('='),
    Buffer.from(value),
    Buffer.from('\n'),
  ]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** GNU's long name (`L`) or long link (`K`) for the next entry. */
export function gnuLong(type: 'L' | 'K', name: string | Buffer): Buffer {
  const content = Buffer.concat([Buffer.from(name), Buffer.alloc(1)]);
  return Buffer.concat([header({ name: '././@LongLink', type, size: content.length, format: 'gnu' }), body(content)]);
}

/** Pieces as an archive with its end. */
export function tar(...pieces: readonly Buffer[]): Buffer {
  return Buffer.concat([...pieces, Buffer.alloc(1024)]);
}

/** Octal where it fits the field, else base-256 in two's complement. */
export function number(block: Buffer, offset: number, length: number, value: number): void {
  const octal = value.toString(8);
  if (value >= 0 && octal.length < length) {
    block.write(octal.padStart(length - 1, '0') + '\0', offset, 'latin1');
    return;
  }
  let rest = BigInt(value);
  for (let at = offset + length - 1; at >= offset; at--) {
    block[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  block[offset] = (block[offset] ?? 0) | 0x80;
}
