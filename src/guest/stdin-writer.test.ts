import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StdinWriter } from './stdin-writer.ts';

interface Sent {
  readonly kind: string;
  readonly offset: number;
  readonly bytes: Buffer;
}

function writer(offset = 0): { stdin: StdinWriter; sent: Sent[]; total: () => number } {
  const sent: Sent[] = [];
  const stdin = new StdinWriter(offset, (kind, at, bytes = Buffer.alloc(0)) => sent.push({ kind, offset: at, bytes }));
  return { stdin, sent, total: () => sent.reduce((sum, { bytes }) => sum + bytes.length, 0) };
}

describe('stdin to a guest', () => {
  it('keeps inside the window and makes its writer wait', async () => {
    const { stdin, total } = writer();
    const written = stdin.write(Buffer.alloc(200_000));
    assert.equal(total(), 65_536);
    let done = false;
    void written.then(() => (done = true));
    await Promise.resolve();
    assert.equal(done, false);
    stdin.acknowledge(65_536);
    stdin.acknowledge(131_072);
    stdin.acknowledge(196_608);
    await written;
    assert.equal(total(), 200_000);
  });

  it('ends after the bytes that were written before', () => {
    const { stdin, sent } = writer(10);
    void stdin.write(Buffer.from('abc'));
    stdin.end();
    assert.deepEqual(
      sent.map(({ kind, offset }) => [kind, offset]),
      [
        ['data', 10],
        ['eof', 13],
      ],
    );
  });

  it('lets its writer go when the process has gone', async () => {
    const { stdin } = writer();
    const written = stdin.write(Buffer.alloc(200_000));
    stdin.destroy();
    await written;
  });

  it('refuses an acknowledgement of what was never sent', () => {
    assert.throws(() => writer().stdin.acknowledge(5), /never sent/);
  });
});
