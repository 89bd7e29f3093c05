const newline = 0x0a;

/** Puts a time before each line of a stream, however its bytes are cut. */
export class LineStamper {
  #atLineStart = true;

  stamp(data: Buffer, timeNs: bigint): Buffer {
    const time = Buffer.from(`${isoNanoseconds(timeNs)} `);
    const parts: Buffer[] = [];
    for (let at = 0; at < data.length;) {
      const end = data.indexOf(newline, at);
      const next = end === -1 ? data.length : end + 1;
      if (this.#atLineStart) parts.push(time);
      parts.push(data.subarray(at, next));
      this.#atLineStart = end !== -1;
      at = next;
    }
    return Buffer.concat(parts);
  }
}

/** RFC 3339 with nanoseconds, as docker's. */
export function isoNanoseconds(timeNs: bigint): string {
  const whole = new Date(Number(timeNs / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  return `${whole}.${String(timeNs % 1_000_000_000n).padStart(9, '0')}Z`;
}
