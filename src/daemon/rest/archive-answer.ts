import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { type PathStat, pathStatHeader } from '../../contract/index.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';

/** A tar, and what is in it. */
export interface TarAnswer {
  readonly stat: PathStat;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** Where it fails on its way its connection is closed before its end: the status is sent by then. */
export function sendArchive({ stat, bytes }: TarAnswer, reply: FastifyReply, log: Log): FastifyReply {
  return reply
    .type('application/x-tar')
    .header(pathStatHeader, Buffer.from(JSON.stringify(stat)).toString('base64'))
    .send(Readable.from(logged(bytes, log), { objectMode: false, highWaterMark: 1 << 20 }));
}

async function* logged(bytes: AsyncIterable<Uint8Array>, log: Log): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes;
  } catch (error) {
    log.warn({ error: messageOf(error) }, 'an archive broke off');
    throw error;
  }
}
