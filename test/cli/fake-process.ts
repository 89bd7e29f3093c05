import { EventEmitter, once } from 'node:events';
import type { WebSocket } from 'ws';
import type { AttachEvent } from '../../src/contract/index.ts';

const blockBytes = 64 * 1024;

/** A process of the fake daemon: what it does is named by its first argument. */
export async function playProcess(client: WebSocket, id: string, args: readonly string[]): Promise<void> {
  const input = new EventEmitter();
  let taken = 0;
  client.on('message', (data, isBinary) => {
    if (!Buffer.isBuffer(data)) return;
    if (isBinary) {
      taken += data.length - 1;
      input.emit('stdin', data.subarray(1));
      client.send(JSON.stringify({ type: 'taken', bytes: taken }));
    } else input.emit('command', JSON.parse(data.toString()));
  });
  const [what = '', argument = ''] = args;
  const event = (body: AttachEvent): void => client.send(JSON.stringify(body));
  const write = (channel: 1 | 2, data: Buffer): Promise<void> =>
    new Promise((resolve) => client.send(Buffer.concat([Buffer.from([channel]), data]), () => resolve()));
  const exit = (exitCode: number): void => {
    event({ type: 'exit', exitCode });
    client.close();
  };
  if (what === 'fail') {
    event({ type: 'error', code: argument, message: `cannot start: ${argument}` });
    client.close();
    return;
  }
  if (what === 'never-starts') return;
  event({ type: 'started', id, warnings: what === 'warned' ? [argument] : [], timing: null });
  switch (what) {
    case 'exit':
      exit(Number(argument));
      return;
    case 'say':
      await write(1, Buffer.from(argument));
      await write(2, Buffer.from('to stderr\n'));
      exit(0);
      return;
    case 'cat':
      input.on('stdin', (data: Buffer) => void write(1, data));
      input.on('command', (command: { type: string }) => {
        if (command.type === 'eof') exit(0);
      });
      return;
    case 'flood': {
      // Until its reader has gone: then its exit code says how it got to know.
      const hangup = new AbortController();
      input.on('command', (command: { type: string }) => {
        if (command.type === 'hangup') hangup.abort();
      });
      const block = Buffer.alloc(blockBytes, 'flood\n');
      const blocks = argument === '' ? Infinity : Number(argument) / blockBytes;
      const open = (): boolean => !hangup.signal.aborted && client.readyState === client.OPEN;
      for (let sent = 0; sent < blocks && open(); sent++) await write(1, block);
      exit(hangup.signal.aborted ? 42 : 0);
      return;
    }
    case 'report':
      // Prints every command it gets; the signal TERM ends it.
      await write(1, Buffer.from('ready\n'));
      input.on('stdin', (data: Buffer) => void write(1, Buffer.from(`stdin ${data.toString('hex')}\n`)));
      input.on('command', (command: { type: string; signal?: string }) => {
        void write(1, Buffer.from(`${JSON.stringify(command)}\n`)).then(() => {
          if (command.signal === 'SIGTERM') exit(143);
        });
      });
      return;
    case 'deaf':
      // A daemon that hangs: it answers neither signals nor pings.
      await write(1, Buffer.from('ready\n'));
      client.pause();
      return;
    case 'break':
      await write(1, Buffer.from('ready\n'));
      await once(input, 'stdin');
      client.terminate();
      return;
    default:
      exit(0);
  }
}
