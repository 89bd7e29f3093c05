import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { Qmp } from './qmp.ts';

const greeting = '{"QMP": {"version": {}, "capabilities": []}}\n';
const empty = (line: string): string =>
  `${JSON.stringify({ return: {}, id: (JSON.parse(line) as { id: number }).id })}\n`;

it('a monitor that says what is no JSON is left: who waits for its answer hears it', { timeout: 30_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hyper-qmp-'));
  const server = createServer((socket) => {
    socket.setEncoding('utf8').on('error', () => undefined);
    socket.write(`d"}}\n${greeting}`); // the end of what was for the one before
    socket.once('data', (line: string) => {
      socket.write(empty(line));
      socket.once('data', () => socket.write('{"return": \n'));
    });
  });
  try {
    const path = join(folder, 'qmp.sock');
    server.listen(path);
    await once(server, 'listening');
    const qmp = await Qmp.connect(path, () => undefined);
    await assert.rejects(qmp.execute('query-status'), { code: 'vm_failed', message: 'the VM has ended' });
    await qmp.closed;
    assert.equal(qmp.violation, '{"return": ');
  } finally {
    server.close();
    await rm(folder, { recursive: true });
  }
});
