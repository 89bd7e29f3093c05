import type { WebSocket } from 'ws';
import { attachChannel, AttachCommand, type AttachEvent, stdinWindowBytes } from '../../contract/index.ts';
import type { Attachment } from '../../engine/index.ts';
import { asHyperError, HyperError, messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { tryParseJson } from '../../lib/try-parse-json.ts';
import type { Attach } from './attach-target.ts';
import { httpError } from './http-errors.ts';
import { presentTiming } from './present.ts';

/** A reader that has this much unread holds its process. */
const highWaterBytes = 512 << 10;

/** How long a client may take to say what it wants. */
const openingMs = 10_000;

/** Ties an attach WebSocket (contract/attach.ts) to a process. */
export async function serveAttach(socket: WebSocket, attach: Attach, log: Log): Promise<void> {
  const early: (() => void)[] = [];
  let act = (action: () => void): void => void early.push(action);
  let opened: ((message: Buffer) => void) | undefined;
  let attachment: Attachment | undefined;
  const connection = { gone: false };
  const left = new AbortController();
  /** Those who wait for the client to read. */
  const waiting = new Set<() => void>();

  const tell = (event: AttachEvent): void => {
    if (!connection.gone) socket.send(JSON.stringify(event));
  };
  const finish = (event: AttachEvent): void => {
    tell(event);
    socket.close(1000);
  };
  /** Output that came before its process's start was told: another channel of the guest carries that news. */
  let held: (() => void)[] | undefined = [];
  const client: Parameters<Attach>[0] = {
    created: (id) => tell({ type: 'created', id }),
    output: (stream, bytes) => {
      if (connection.gone) return undefined;
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.add(resolve);
      if (held !== undefined) {
        held.push(() => send(stream, bytes, resolve));
        return promise;
      }
      send(stream, bytes, resolve);
      return socket.bufferedAmount > highWaterBytes ? promise : undefined;
    },
    started: (id, warnings, timing) => {
      tell({ type: 'started', id, warnings: [...warnings], timing: presentTiming(timing) });
      const ready = held ?? [];
      held = undefined;
      for (const sendHeld of ready) sendHeld();
    },
    exited: (exitCode) => finish({ type: 'exit', exitCode }),
    failed: (error) => finish({ type: 'error', code: error.code, message: error.message }),
  };
  const send = (stream: 1 | 2, bytes: Buffer, sent: () => void): void => {
    const channel = stream === 1 ? attachChannel.stdout : attachChannel.stderr;
    // One message in two pieces: the bytes are not copied to stand behind their channel.
    socket.send(Buffer.of(channel), { binary: true, fin: false });
    socket.send(bytes, { binary: true, fin: true }, () => {
      waiting.delete(sent);
      sent();
    });
  };

  const stdin = { received: 0, taken: 0 };
  const takeInput = (to: Attachment, bytes: Buffer): void => {
    stdin.received += bytes.length;
    if (stdin.received - stdin.taken > 4 * stdinWindowBytes) {
      socket.close(1008, 'more stdin than the window allows');
      return;
    }
    void to.write(bytes).then(() => {
      stdin.taken += bytes.length;
      tell({ type: 'taken', bytes: stdin.taken });
    });
  };

  const opening = async (): Promise<Buffer> => {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    opened = resolve;
    left.signal.addEventListener('abort', () => reject(asHyperError(left.signal.reason)), { once: true });
    const late = new HyperError('bad_request', 'the first message, which says what to run, has not come');
    const timer = setTimeout(() => reject(late), openingMs);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  };

  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (opened !== undefined) {
      opened(data);
      opened = undefined;
      return;
    }
    act(() => {
      if (attachment === undefined) return;
      if (!isBinary) takeCommand(attachment, data, finish);
      else if (data[0] === attachChannel.stdin) takeInput(attachment, data.subarray(1));
    });
  });
  socket.on('error', (error) => log.debug({ error: messageOf(error) }, 'an attach connection broke'));
  socket.on('close', () => {
    connection.gone = true;
    left.abort(new HyperError('cancelled', 'the caller has gone'));
    for (const goOn of waiting) goOn();
    attachment?.leave();
  });

  try {
    attachment = await attach(client, left.signal, opening);
  } catch (error) {
    const { body, status } = httpError(error);
    if (status >= 500) log.warn({ error }, body.message);
    finish({ type: 'error', ...body });
    return;
  }
  if (connection.gone) attachment.leave(); // it went while the process was being started
  act = (action) => action();
  for (const action of early) action();
}

function takeCommand(attachment: Attachment, data: Buffer, finish: (event: AttachEvent) => void): void {
  const command = AttachCommand.safeParse(tryParseJson(data.toString('utf8')));
  if (!command.success) return; // a newer client's: not ours to understand
  void perform(attachment, command.data).catch((error: unknown) => finish({ type: 'error', ...httpError(error).body }));
}

async function perform(attachment: Attachment, command: AttachCommand): Promise<void> {
  switch (command.type) {
    case 'resize':
      await attachment.resize(command.rows, command.cols);
      break;
    case 'signal':
      await attachment.signal(command.signal);
      break;
    case 'eof':
      attachment.eof();
      break;
    case 'hangup':
      await attachment.hangup(command.stream);
      break;
  }
}
