import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createHttpServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, it } from 'node:test';
import { type Finished, repository, type TestHyperd } from './support/hyperd.ts';
import { assertRefused, until } from './support/refusal.ts';
import { buildStatic } from './support/shares.ts';
import { inBothWays } from './support/ways.ts';

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** A server on a unix socket that ends with its test. */
class UnixServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket: Socket) => {
      this.#open.add(socket);
      socket.on('close', () => this.#open.delete(socket));
      socket.on('error', () => undefined);
    });
  }

  /** At a socket of who runs hyperd. */
  static async listen(server: Server, hyperd: TestHyperd, path: string): Promise<UnixServer> {
    const made = new UnixServer(server);
    server.listen(path);
    await once(server, 'listening');
    hyperd.own(path);
    return made;
  }

  /** How many are connected. */
  get connections(): number {
    return this.#open.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }
}

const echo = (): Server => createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));

inBothWays('a socket of the host in a pod', {}, (way) => {
  let hyperd: TestHyperd;
  let folder: string;
  const path = (name: string): string => join(folder, name);
  const run = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await hyperd.hyper(args);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  /** A client of /run/test.sock in a pod that runs. */
  const speak = (pod: string, input: string | Buffer, ...more: string[]): Promise<Finished> =>
    hyperd.hyper(['exec', '-i', pod, '/program/client', '/run/test.sock', ...more], { input });
  const withSocket = (name: string): string[] => ['-v', `${folder}:/program:ro`, '-v', `${path(name)}:/run/test.sock`];
  const start = async (pod: string, name: string): Promise<string> =>
    await run('run', '-d', '--name', pod, ...withSocket(name), 'busybox', 'sleep', '1000');

  before(async () => {
    hyperd = await way.start();
    folder = await mkdtemp(join(tmpdir(), 'hyper-sockets-'));
    await chmod(folder, 0o755);
    buildStatic(join(repository, 'test/sockets/socket-client.c'), path('client'));
  });
  after(async () => {
    await hyperd[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  it('answers a client of HTTP, as docker’s does, mounted by -v, --mount and read-only', async () => {
    const api = createHttpServer((request, response) => {
      request.setEncoding('utf8');
      void text(request).then((body) => response.end(`${request.method} ${request.url} ${body}\n`));
    });
    await using server = await UnixServer.listen(api, hyperd, path('api.sock'));
    const request = 'POST /v1/echo HTTP/1.0\\r\\nContent-Length: 5\\r\\n\\r\\nhello';
    const script = `printf '${request}' | /program/client /var/run/api.sock | tail -n 1; stat -c %F /var/run/api.sock`;
    const [source, target] = [path('api.sock'), '/var/run/api.sock'];
    for (const mount of [
      ['-v', `${source}:${target}:ro`],
      ['--mount', `type=bind,src=${source},dst=${target}`],
    ]) {
      const ran = await run('run', '--rm', '-v', `${folder}:/program:ro`, ...mount, 'busybox', 'sh', '-c', script);
      assert.equal(ran, 'POST /v1/echo hello\nsocket\n');
    }
    await until(() => server.connections === 0);
  });

  it('carries much, both ways at once, on several connections, and the end of each direction by itself', async () => {
    await using server = await UnixServer.listen(echo(), hyperd, path('echo.sock'));
    await start('echo', 'echo.sock');
    const pieces = [1, 2, 3].map(() => randomBytes(3_000_000));
    const script = 'cat >/tmp/$1; /program/client /run/test.sock </tmp/$1 | sha256sum';
    const sums = await Promise.all(
      pieces.map((input, at) => hyperd.hyper(['exec', '-i', 'echo', 'sh', '-c', script, 'sh', `${at}`], { input })),
    );
    for (const [at, { stdout }] of sums.entries())
      assert.equal(stdout.split(' ')[0], sha256(pieces[at] ?? Buffer.alloc(0)));
    await until(() => server.connections === 0);
    await run('rm', '-f', 'echo');
  });

  it('holds a client whose server does not read, and a server whose client does not', async () => {
    let written = 0;
    const stuck = createServer((socket) => {
      socket.pause();
      const more = (): void => {
        while (socket.write(Buffer.alloc(65_536))) written += 65_536;
      };
      socket.on('drain', more);
      more();
    });
    await using server = await UnixServer.listen(stuck, hyperd, path('stuck.sock'));
    await start('stuck', 'stuck.sock');
    const script = 'dd if=/dev/zero bs=64k count=1000 2>/tmp/dd | /program/client /run/test.sock | sleep 1000';
    const client = hyperd.hyper(['exec', 'stuck', 'sh', '-c', script]);
    await until(() => server.connections === 1);
    // What is on its way fills the windows; other connections and processes go on.
    const settled = async (): Promise<number> => {
      for (let before = -1; before !== written;) {
        before = written;
        await run('exec', 'stuck', 'usleep', '300000');
      }
      return written;
    };
    assert.ok((await settled()) < 4_000_000, `${written}`);
    assert.equal(await run('exec', 'stuck', 'sh', '-c', 'cat /tmp/dd'), '', 'dd has not ended');
    await run('kill', 'stuck');
    await client;
    await until(() => server.connections === 0);
    await run('rm', 'stuck');
  });

  it('ends on the host when its client leaves without reading, and in the pod when its server does', async () => {
    const closing = createServer((socket) => {
      socket.once('data', (first) => {
        if (first.toString() === 'leave') socket.destroy();
        else socket.write(Buffer.alloc(1_000_000));
      });
    });
    await using server = await UnixServer.listen(closing, hyperd, path('closing.sock'));
    await start('closing', 'closing.sock');
    assert.equal((await speak('closing', 'stay', 'rude')).code, 0);
    await until(() => server.connections === 0);
    const script =
      'mkfifo /tmp/f; /program/client /run/test.sock </tmp/f & exec 3>/tmp/f; printf leave >&3; wait $! || echo $?';
    assert.match(await run('exec', 'closing', 'sh', '-c', script), /^1?\n?$/, 'it has ended, or was reset');
    await run('rm', '-f', 'closing');
  });

  it('has the host’s mode and owner: the container’s root may connect, others where the mode lets them', async () => {
    await using server = await UnixServer.listen(echo(), hyperd, path('mode.sock'));
    await chmod(path('mode.sock'), 0o660);
    hyperd.own(path('mode.sock'), 0, 1234);
    await start('mode', 'mode.sock');
    assert.equal(await run('exec', 'mode', 'stat', '-c', '%a %u:%g', '/run/test.sock'), '660 0:1234\n');
    const as = async (user: string): Promise<string> => {
      const args = ['exec', '-i', '-u', user, 'mode', '/program/client', '/run/test.sock'];
      const { stdout, stderr } = await hyperd.hyper(args, { input: 'hello' });
      return stdout + stderr;
    };
    assert.equal(await as('0'), 'hello');
    assert.equal(await as('99:1234'), 'hello');
    assert.match(await as('99:99'), /connect: Permission denied/);
    await until(() => server.connections === 0);
    await run('rm', '-f', 'mode');
  });

  it('is closed to clients while nobody listens on the host, and works again once somebody does', async () => {
    const first = await UnixServer.listen(echo(), hyperd, path('back.sock'));
    await start('back', 'back.sock');
    assert.equal((await speak('back', 'one')).stdout, 'one');
    await first[Symbol.asyncDispose]();
    const refused = await speak('back', 'two');
    assert.equal(refused.stdout, '');
    await using second = await UnixServer.listen(echo(), hyperd, path('back.sock'));
    assert.equal((await speak('back', 'three')).stdout, 'three');
    await until(() => second.connections === 0);
    await run('rm', '-f', 'back');
  });

  for (const signal of ['SIGHUP', 'SIGKILL'] as const) {
    it(`takes new connections after hyperd got ${signal} and was started; the old ones have ended`, async () => {
      await using server = await UnixServer.listen(echo(), hyperd, path('restart.sock'));
      await start('restart', 'restart.sock');
      const script =
        'mkfifo /tmp/f; (/program/client /run/test.sock </tmp/f; echo ended >/tmp/ended) & exec sleep 1000 3>/tmp/f';
      await run('exec', 'restart', 'sh', '-c', `(${script}) >/dev/null 2>&1 &`);
      await until(() => server.connections === 1);
      await hyperd.signal(signal);
      await until(() => server.connections === 0);
      await hyperd.start();
      await run('exec', 'restart', 'sh', '-c', 'until [ -s /tmp/ended ]; do usleep 10000; done');
      assert.equal((await speak('restart', 'again')).stdout, 'again');
      await run('rm', '-f', 'restart');
    });
  }

  it('serves more clients than are taken at a time, each in its turn', async () => {
    await using server = await UnixServer.listen(echo(), hyperd, path('many.sock'));
    await run('run', '-d', '--name', 'many', '-m', '256', ...withSocket('many.sock'), 'busybox', 'sleep', '1000');
    const script =
      'tail -f /dev/null | (exec 3<&0; for i in $(seq 270); do /program/client /run/test.sock <&3 & done; wait; echo all)';
    const all = hyperd.hyper(['exec', 'many', 'sh', '-c', script]);
    await until(() => server.connections === 256);
    await run('exec', 'many', 'killall', 'tail');
    assert.equal((await all).stdout, 'all\n');
    await until(() => server.connections === 0);
    await run('rm', '-f', 'many');
  });

  it('is refused with the reason where there is none, and so are pipes and devices', async () => {
    const refused = async (volume: string, line: RegExp): Promise<void> =>
      await assertRefused(hyperd, ['run', '--rm', '-v', volume, 'busybox', 'true'], 125, line);
    await refused(
      `${path('none.sock')}:/run/none.sock`,
      /there is no socket at .*none\.sock: start what listens there/,
    );
    assert.ok(!existsSync(path('none.sock')));
    await refused('/dev/null:/dev/other', /\/dev\/null is a device: it is this host's kernel's/);
    const server = await UnixServer.listen(echo(), hyperd, path('gone.sock'));
    await run('create', '--name', 'gone', '-v', `${path('gone.sock')}:/run/gone.sock`, 'busybox', 'true');
    await server[Symbol.asyncDispose]();
    await assertRefused(hyperd, ['start', '-a', 'gone'], 125, /bind source path does not exist: .*gone\.sock/);
    await writeFile(path('gone.sock'), '');
    await assertRefused(hyperd, ['start', '-a', 'gone'], 125, /gone\.sock is a file now, and was something else/);
    await run('rm', 'gone');
  });
});
