import { byteString, type ByteString } from '../byte-string.ts';
import { damaged } from './damaged.ts';
import { parseDecimal } from './tar-number.ts';

/** `length key=value\n`, in order and with repetitions: GNU's oldest sparse format needs both. Values are bytes. */
export interface PaxRecord {
  readonly key: ByteString;
  readonly value: Buffer;
}

/** Reads the body of a PAX header (POSIX.1-2001, pax, "Extended Header"). The values are copies. */
export function parsePaxRecords(body: Buffer): PaxRecord[] {
  const records: PaxRecord[] = [];
  let at = 0;
  while (at < body.length) {
    const space = body.indexOf(0x20, at);
    if (space === -1 || space - at > 10) throw damaged('a PAX record has no length');
    const end = at + parseDecimal(body.toString('latin1', at, space), 'a PAX record');
    const equals = body.indexOf(0x3d, space + 1);
    if (end > body.length || body[end - 1] !== 0x0a || equals === -1 || equals >= end || equals === space + 1) {
      throw damaged('a PAX record is malformed');
    }
    const key = byteString(body.subarray(space + 1, equals));
    const value = Buffer.from(body.subarray(equals + 1, end - 1));
    if (key.includes('\0') || (isName(key) && value.includes(0))) throw damaged('a PAX record has a NUL in a name');
    records.push({ key, value });
    at = end;
  }
  return records;
}

function isName(key: ByteString): boolean {
  return key === 'path' || key === 'linkpath' || key === 'GNU.sparse.name';
}

/** The last value of each key; an empty value takes back what was said before (not for xattrs, whose value may be empty). */
export function paxValues(records: readonly PaxRecord[]): ReadonlyMap<string, Buffer> {
  const values = new Map<string, Buffer>();
  for (const { key, value } of records) {
    if (value.length === 0 && !key.includes('.xattr.')) values.delete(key);
    else values.set(key, value);
  }
  return values;
}
