/** Work on DNS messages as bytes, so that what passes through us is passed on as it came. */

/** RFC 1035, 4.1.1. */
export const headerLength = 12;
export const responseBit = 0x8000;
export const opcodeMask = 0x7800;
export const recursionDesired = 0x0100;
export const recursionAvailable = 0x0080;
export const rcode = { formatError: 1, serverFailure: 2, nameError: 3, notImplemented: 4, refused: 5 } as const;

/** The message with another id. */
export function withId(message: Buffer, id: number): Buffer {
  const copy = Buffer.from(message);
  copy.writeUInt16BE(id, 0);
  return copy;
}

/** Whether `answer` is the answer to `query`: same id, the response bit, the same question. */
export function isAnswerTo(answer: Buffer, query: Buffer): boolean {
  if (answer.length < headerLength || query.length < headerLength) return false;
  if (answer.readUInt16BE(0) !== query.readUInt16BE(0) || (answer.readUInt16BE(2) & responseBit) === 0) return false;
  // A server that could not read the question may leave it out.
  if (answer.readUInt16BE(4) === 0) return true;
  const end = questionEnd(query);
  if (end === undefined || answer.length < end) return false;
  return lowerCase(answer.subarray(headerLength, end)) === lowerCase(query.subarray(headerLength, end));
}

/** The answer to a query of at least a header's length that carries a code and, where it can be read, the question. */
export function errorAnswer(query: Buffer, code: number): Buffer {
  const end = query.readUInt16BE(4) === 1 ? questionEnd(query) : undefined;
  const answer = Buffer.alloc(end ?? headerLength);
  query.copy(answer, 0, 0, answer.length);
  const kept = query.readUInt16BE(2) & (opcodeMask | recursionDesired);
  answer.writeUInt16BE(responseBit | recursionAvailable | kept | code, 2);
  answer.writeUInt16BE(end === undefined ? 0 : 1, 4);
  answer.fill(0, 6, headerLength);
  return answer;
}

/** Where the first question ends; undefined when it is cut short or compressed (which a query's never is). */
function questionEnd(message: Buffer): number | undefined {
  let at = headerLength;
  for (;;) {
    const length = message[at];
    if (length === undefined || length > 63) return undefined;
    at += 1 + length;
    if (length === 0) return at + 4 <= message.length ? at + 4 : undefined;
  }
}

function lowerCase(bytes: Buffer): string {
  return bytes.toString('latin1').toLowerCase();
}

/** Puts the length before a message, as TCP has it (RFC 1035, 4.2.2). */
export function frame(message: Buffer): Buffer {
  const framed = Buffer.allocUnsafe(2 + message.length);
  framed.writeUInt16BE(message.length, 0);
  message.copy(framed, 2);
  return framed;
}

/** Cuts a TCP stream into messages: give it chunks, it gives those that are whole. */
export class Unframer {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): Buffer[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const messages: Buffer[] = [];
    while (this.#rest.length >= 2) {
      const end = 2 + this.#rest.readUInt16BE(0);
      if (this.#rest.length < end) break;
      messages.push(this.#rest.subarray(2, end));
      this.#rest = this.#rest.subarray(end);
    }
    return messages;
  }
}
