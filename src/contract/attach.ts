import { z } from 'zod';
import { StartTiming } from './pod.ts';

/**
 * What flows over an attach WebSocket. Binary messages are a channel byte and data; text messages are JSON: a client
 * sends AttachCommand, hyperd sends AttachEvent. The last event is `exit` or `error`; then hyperd closes. A client
 * detaches by closing.
 */
export const attachChannel = { stdin: 0, stdout: 1, stderr: 2 } as const;

/**
 * The most stdin that a client may have sent and not yet been told is `taken`: a process that does not read makes its
 * client wait, and commands still pass. hyperd closes the connection of a client that sends far more.
 */
export const stdinWindowBytes = 262144;

export const AttachCommand = z.discriminatedUnion('type', [
  z.object({ type: z.literal('resize'), rows: z.number().int().min(1), cols: z.number().int().min(1) }),
  z.object({ type: z.literal('signal'), signal: z.string() }),
  z.object({ type: z.literal('eof') }).describe('no more stdin'),
  z
    .object({ type: z.literal('hangup'), stream: z.union([z.literal(1), z.literal(2)]) })
    .describe('the reader of this stream has gone: the process gets EPIPE'),
]);
export type AttachCommand = z.infer<typeof AttachCommand>;

export const AttachEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('created'), id: z.string() }).describe('the pod that a podRun has made'),
  z.object({
    type: z.literal('started'),
    id: z.string(),
    warnings: z.array(z.string()),
    timing: StartTiming.nullable().describe('of the start that this attach made'),
  }),
  z
    .object({ type: z.literal('taken'), bytes: z.number().int() })
    .describe('stdin that the process took, in all so far'),
  z.object({ type: z.literal('exit'), exitCode: z.number().int() }),
  z.object({ type: z.literal('error'), code: z.string(), message: z.string() }),
]);
export type AttachEvent = z.infer<typeof AttachEvent>;

/**
 * A record of `application/vnd.hyper.log`, what GET …/logs answers with: `stream:u8 length:u32le time:u64le` (ns since
 * 1970), then `length` bytes.
 */
export const logRecordHeaderBytes = 13;
