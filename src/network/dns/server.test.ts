import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import * as packets from 'dns-packet';
import { skipUnlessRoot } from '../../../test/network/namespaces.ts';
import { silentLog } from '../../lib/log.ts';
import { exchange } from './exchange.ts';
import { frame } from './message.ts';
import { type Names, noNames } from './names.ts';
import { DnsServer } from './server.ts';
import { parseResolvConf } from './upstreams.ts';

const address = '127.0.0.1';
const forwarding = '127.0.0.3';
const noUpstreams = () => Promise.resolve([]);
const names: Names = { resolve: (name) => (name === 'web' ? ['10.0.0.2'] : undefined), reverse: () => undefined };

/** Sends what its third argument is in hex, by UDP; only a raw socket has this port. */
const sendFromPort0 = `
  use strict; use Socket;
  my ($host, $port, $hex) = @ARGV;
  my $data = pack('H*', $hex);
  socket(my $raw, PF_INET, SOCK_RAW, 17) or die $!;
  my $datagram = pack('n4', 0, $port, 8 + length $data, 0) . $data;
  send($raw, $datagram, 0, sockaddr_in(0, inet_aton($host))) == length $datagram or die $!;
`;

const listen = (upstreamPort?: number) =>
  DnsServer.listen({
    // An upstream with the server's own address is left out: it would ask itself.
    address: upstreamPort === undefined ? address : forwarding,
    port: 0,
    names: () => (upstreamPort === undefined ? names : noNames),
    upstreams: upstreamPort === undefined ? noUpstreams : () => Promise.resolve(['127.0.0.2', '127.0.0.1']),
    ...(upstreamPort === undefined ? {} : { upstreamPort }),
    log: silentLog,
  });

const query = packets.encode({ type: 'query', id: 77, flags: 0x100, questions: [{ type: 'A', name: 'web' }] });

async function ask(port: number, transport: 'udp' | 'tcp', server = address): Promise<packets.Packet> {
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

  it('goes on after a query from port 0, where no answer can be sent', { skip: skipUnlessRoot }, async () => {
    await using server = await listen();
    execFileSync('perl', ['-e', sendFromPort0, address, String(server.port), query.toString('hex')]);
    assert.equal((await ask(server.port, 'udp')).id, 77);
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

/** A reset is an error to once(), and as good an end. */
const closed = (client: Socket): Promise<string> =>
  new Promise((resolve) => client.on('close', () => resolve('closed')));

describe('a guest that is greedy', () => {
  const greedy = '127.0.0.9';

  it('and never reads its answers is not answered without end, and left in the end', async () => {
    let answered = 0;
    const many = Array.from({ length: 250 }, (_, at) => `10.0.0.${at}`);
    const resolve = () => ((answered += 1), many);
    const own = { address, port: 0, names: () => ({ ...names, resolve }), upstreams: noUpstreams, log: silentLog };
    await using server = await DnsServer.listen({ ...own, idleMs: 2000 });
    const client = connect(server.port, address);
    client.on('error', () => client.destroy());
    const queries = 8000;
    client.write(Buffer.concat(Array.from({ length: queries }, () => frame(query))));
    for (let before = -1; !client.destroyed && (before !== answered || answered === 0);) {
      before = answered;
      await delay(200);
    }
    const kept = answered;
    client.resume();
    const left = await Promise.race([closed(client), delay(20_000, undefined, { ref: false })]);
    client.destroy();
    assert.ok(kept > 0 && kept < queries / 2, `${kept} answers are kept for it`);
    assert.ok(left !== undefined, 'it is still served');
  });

  it('is left when it only sends what needs no answer', async () => {
    const own = { address, port: 0, names: () => names, upstreams: noUpstreams, log: silentLog };
    await using server = await DnsServer.listen({ ...own, idleMs: 300 });
    const client = connect(server.port, address);
    client.on('error', () => client.destroy());
    client.resume();
    const reflected = frame(packets.encode({ type: 'response', id: 7 }));
    const sending = setInterval(() => client.write(reflected), 50);
    const left = await Promise.race([closed(client), delay(20_000, undefined, { ref: false })]);
    clearInterval(sending);
    client.destroy();
    assert.ok(left !== undefined, 'it is still served');
  });

  it('with queries that nobody answers leaves others their share', async () => {
    const upstream = createSocket('udp4');
    upstream.bind(0, '127.0.0.1');
    await once(upstream, 'listening');
    upstream.on('message', (message, from) => {
      const { id = 0, questions = [] } = packets.decode(message);
      if (questions[0]?.name !== 'web') return;
      upstream.send(packets.encode({ type: 'response', id, questions }), from.port, from.address);
    });
    await using server = await listen(upstream.address().port);
    const client = createSocket('udp4');
    client.bind(0, greedy);
    await once(client, 'listening');
    for (let id = 0; id < 400; id += 1) {
      const questions = [{ type: 'A' as const, name: `n${id}.example` }];
      const message = packets.encode({ type: 'query', id, questions });
      await new Promise((resolve) => client.send(message, server.port, forwarding, resolve));
      await delay(1); // a socket's buffer has room for less
    }
    const answer = await ask(server.port, 'udp', forwarding);
    client.close();
    upstream.close();
    assert.equal(answer.type === 'response' && 'rcode' in answer && answer.rcode, 'NOERROR');
  });

  it('with connections leaves others their share', async () => {
    await using server = await listen();
    const open: Socket[] = [];
    for (let count = 0; count < 100; count += 1) {
      const client = connect({ port: server.port, host: address, localAddress: greedy });
      client.on('error', () => client.destroy());
      open.push(client);
      await once(client, 'connect');
    }
    const answered = await ask(server.port, 'tcp').catch(() => undefined);
    for (const client of open) client.destroy();
    assert.equal(answered?.answers?.length, 1);
  });
});

describe('parseResolvConf', () => {
  it('reads nameservers and nothing else', () => {
    const text = '# nameserver 1.1.1.1\nnameserver 10.0.0.1\n nameserver fe80::1%eth0\nsearch x\nnameserver bad\n';
    assert.deepEqual(parseResolvConf(text), ['10.0.0.1', 'fe80::1%eth0']);
    assert.deepEqual(parseResolvConf(''), ['127.0.0.1']);
  });
});
