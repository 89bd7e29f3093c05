/**
 * Bytes as a string with one character (0 to 255) a byte. Names in file systems need not be UTF-8, so they are kept like
 * this: `<` and sort() order them by bytes, and they are keys of a Map, which a Buffer is not.
 */
export type ByteString = string & { readonly brand: 'ByteString' };

/** The bytes of a buffer, or of a text in UTF-8. */
export function byteString(bytes: Uint8Array | string): ByteString {
  const buffer =
    typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return buffer.toString('latin1') as ByteString;
}

/** Back to bytes. */
export function bytesOf(text: ByteString): Buffer {
  return Buffer.from(text, 'latin1');
}

/** Joins byte strings: `+` would lose the brand. */
export function joinBytes(parts: readonly ByteString[], separator = ''): ByteString {
  return parts.join(separator) as ByteString;
}

/** The part from `start` to before `end`. */
export function sliceBytes(text: ByteString, start: number, end?: number): ByteString {
  return text.slice(start, end) as ByteString;
}

/** The parts between slashes; an empty text has one empty part. */
export function splitPath(path: ByteString): ByteString[] {
  return path.split('/') as ByteString[];
}

/** For messages: quoted, with everything that is no printable text escaped. */
export function quoteBytes(text: ByteString): string {
  const decoded = bytesOf(text).toString('utf8');
  return decoded.includes('�') ? JSON.stringify(text) : JSON.stringify(decoded);
}
