import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import * as packets from 'dns-packet';
import { silentLog } from '../../lib/log.ts';
import { parseSubnet } from '../subnet.ts';
import { exchange } from './exchange.ts';
import type { Names } from './names.ts';
import { DnsServer } from './server.ts';
import { parseResolvConf } from './upstreams.ts';

const address = '127.0.0.1';
const forwarding = '127.0.0.3';
const noUpstreams = () => Promise.resolve([]);
const names: Names = { resolve: (name) => (name === 'web' ? ['10.0.0.2'] : undefined), reverse: () => undefined };

const listen = (upstreamPort?: number) =>
  DnsServer.listen({
    // An upstream with the server's own address is left out: it would ask itself.
    address: upstreamPort === undefined ? address : forwarding,
    port: 0,
    subnet: parseSubnet('10.0.0.0/24'),
    names: upstreamPort === undefined ? names : { ...names, resolve: () => undefined },
    upstreams: upstreamPort === undefined ? noUpstreams : () => Promise.resolve(['127.0.0.2', '127.0.0.1']),
    ...(upstreamPort === undefined ? {} : { upstreamPort }),
    log: silentLog,
  });

async function ask(port: number, transport: 'udp' | 'tcp', server = address): Promise<packets.Packet> {
  const query = packets.encode({ type: 'query', id: 77, flags: 0x100, questions: [{ type: 'A', name: 'web' }] });
  const signal = new AbortController().signal;
  return packets.decode(await exchange(query, transport, { server, port, timeoutMs: 2000, signal }));
}

describe('DnsServer', () => {
  it('answers over UDP and TCP under the id of the query', async () => {
    await using server = await listen();
    for (const transport of ['udp', 'tcp'] as const) {
      const { id, answers } = await ask(server.port, transport);
      assert.equal(id, 77);
      assert.deepEqual(
        answers?.map((answer) => ('data' in answer ? answer.data : null)),
        ['10.0.0.2'],
      );
    }
  });

  it('asks the next upstream when one does not answer', async () => {
    await using upstream = await listen();
    await using server = await listen(upstream.port);
    const { answers } = await ask(server.port, 'udp', forwarding);
    assert.equal(answers?.length, 1);
  });

  it('goes on after garbage by UDP and by TCP', async () => {
    await using server = await listen();
    const socket = createSocket('udp4');
    for (let length = 0; length < 300; length += 1) {
      const noise = Buffer.from(Array.from({ length }, (_, at) => (at * 31 + length * 7) & (at === 2 ? 0x7f : 0xff)));
      await new Promise((resolve) => socket.send(noise, server.port, address, resolve));
    }
    socket.close();
    const stream = connect(server.port, address);
    stream.on('error', () => stream.destroy());
    stream.end(Buffer.alloc(70_000, 0x01));
    stream.resume();
    await once(stream, 'close');
    assert.equal((await ask(server.port, 'udp')).answers?.length, 1);
    assert.equal((await ask(server.port, 'tcp')).answers?.length, 1);
  });
});

describe('parseResolvConf', () => {
  it('reads nameservers and nothing else', () => {
    const text = '# nameserver 1.1.1.1\nnameserver 10.0.0.1\n nameserver fe80::1%eth0\nsearch x\nnameserver bad\n';
    assert.deepEqual(parseResolvConf(text), ['10.0.0.1', 'fe80::1%eth0']);
    assert.deepEqual(parseResolvConf(''), ['127.0.0.1']);
  });
});
