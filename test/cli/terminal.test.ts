import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cliBuilds } from './cli-builds.ts';
import { images } from './fake-image.ts';
import { FakeHyperd } from './fake-hyperd.ts';
import { CliTerminal, shellCommand } from './run-cli.ts';

// What cfmakeraw(3) turns off and on, as `stty -a` shows it.
const rawFlags = ['-ignbrk', '-brkint', '-parmrk', '-istrip', '-inlcr', '-igncr', '-icrnl', '-ixon', '-opost'];
const rawMore = ['-echo', '-echonl', '-icanon', '-isig', '-iexten', 'cs8', '-parenb'];
const rawTimes = /min = 1; time = 0;/;

for (const build of cliBuilds) {
  describe(`hyper in a terminal, ${build.name}`, { timeout: 120_000 }, () => {
    const hyper = shellCommand(build);
    /** Runs hyper in a terminal; afterwards the shell says its exit code and what the terminal is like. */
    const terminalOf = (fake: FakeHyperd, args: string): CliTerminal =>
      new CliTerminal(
        `before=$(stty -g); ${hyper} ${args}; echo "exit=$?"; [ "$before" = "$(stty -g)" ] && echo restored`,
        {
          HYPER_HOST: fake.socket,
        },
      );
    const left = async (terminal: CliTerminal, code: number): Promise<void> => {
      await terminal.see(`exit=${code}\r\n`);
      await terminal.see('restored\r\n');
    };
    /** `stty -a` of the terminal, seen from beside the client. */
    const modeDuring = async (fake: FakeHyperd): Promise<string> => {
      using terminal = new CliTerminal(
        `(sleep 0.1; until stty -a <&3 | grep -q -- -icanon; do :; done; stty -a <&3 >&3; kill -TERM $$) 3<>/dev/tty & exec ${hyper} run busybox report`,
        { HYPER_HOST: fake.socket },
      );
      await terminal.exit;
      return terminal.output;
    };

    it('is attached with a tty and stdin by default, and makes the terminal raw as cfmakeraw does', async () => {
      await using fake = await FakeHyperd.start();
      const mode = await modeDuring(fake);
      for (const flag of [...rawFlags, ...rawMore])
        assert.match(mode, new RegExp(`(^|[ ;])${flag}([ ;\r\n]|$)`, 'm'), flag);
      assert.match(mode, rawTimes);
      const spec = JSON.stringify(fake.bodies[0]);
      assert.match(spec, /"tty":true,"stdin":true,"terminalSize":\{"rows":24,"cols":80\}/);
    });

    it('leaves newlines to the process, and restores the terminal when it ends', async () => {
      await using fake = await FakeHyperd.start();
      using terminal = terminalOf(fake, 'run busybox report');
      await terminal.see('ready\n');
      terminal.type('a\x03');
      assert.match(
        await terminal.see('stdin 6103\n'),
        /ready\n[^\r]*stdin 6103\n/,
        'Ctrl-C is a byte; no carriage return is added',
      );
      fake.die();
      await left(terminal, 125);
      assert.match(terminal.output, /hyper: lost the connection/);
    });

    it('restores the terminal after the exit of the process, and exits with its code', async () => {
      await using fake = await FakeHyperd.start();
      using terminal = terminalOf(fake, 'run busybox exit 7');
      await left(terminal, 7);
    });

    for (const [signal, code] of [
      ['TERM', 143],
      ['HUP', 129],
      ['INT', 130],
    ] as const) {
      it(`restores the terminal at SIG${signal}`, async () => {
        await using fake = await FakeHyperd.start();
        using terminal = new CliTerminal(
          `before=$(stty -g); sh -c '(until stty -a </dev/tty | grep -q -- -icanon; do :; done; kill -${signal} $$) & exec "$@"' sh ${hyper} run busybox report; echo "exit=$?"; [ "$before" = "$(stty -g)" ] && echo restored`,
          { HYPER_HOST: fake.socket },
        );
        await left(terminal, code);
      });
    }

    it('tells the process the terminal’s new size', async () => {
      await using fake = await FakeHyperd.start();
      using terminal = terminalOf(fake, 'run busybox report');
      await terminal.see('{"type":"resize","rows":24,"cols":80}');
      terminal.resize(100, 30);
      await terminal.see('{"type":"resize","rows":30,"cols":100}');
    });

    it('leaves the process running at the detach keys', async () => {
      await using fake = await FakeHyperd.start();
      using terminal = terminalOf(fake, 'run busybox report');
      await terminal.see('ready');
      terminal.type('\x10');
      terminal.type('x');
      await terminal.see('stdin 1078');
      terminal.type('\x10\x11');
      await left(terminal, 0);
    });

    it('takes other detach keys', async () => {
      await using fake = await FakeHyperd.start();
      using terminal = terminalOf(fake, 'run --detach-keys ctrl-a,d busybox report');
      await terminal.see('ready');
      terminal.type('\x01d');
      await left(terminal, 0);
    });

    it('ends a pipe as any tool: | head', async () => {
      await using fake = await FakeHyperd.start();
      using terminal = new CliTerminal(
        `(${hyper} run busybox flood; echo "exit=$?" >&2) | head -c 10; stty -a | grep -o ' icanon'`,
        { HYPER_HOST: fake.socket },
      );
      await terminal.see('exit=42');
      await terminal.see(' icanon');
      assert.match(terminal.output, /flood\r\nfloo/);
    });

    it('has no tty in the background, where it may not touch the terminal', async () => {
      await using fake = await FakeHyperd.start();
      using terminal = new CliTerminal(`set -m; ${hyper} run busybox exit 5 & wait $!; echo "exit=$?"`, {
        HYPER_HOST: fake.socket,
      });
      await terminal.see('exit=5');
      assert.match(JSON.stringify(fake.bodies[0]), /"tty":false,"stdin":false/);
    });

    it('shows a bar for each layer that is pulled', async () => {
      await using fake = await FakeHyperd.start();
      const layer = { type: 'layer', digest: `sha256:${'c'.repeat(64)}`, currentBytes: 5e6, totalBytes: 1e7 } as const;
      fake.pullEvents = [
        { ...layer, status: 'downloading' },
        { type: 'status', message: 'Digest: sha256:0' },
        { ...layer, status: 'done' },
        { type: 'done', image: images.alpine, reference: 'alpine', changed: true },
      ];
      using terminal = new CliTerminal(`${hyper} pull alpine`, { HYPER_HOST: fake.socket });
      await terminal.see('cccccccccccc: Pull complete');
      assert.match(terminal.output, /cccccccccccc: Downloading \[=+> +\] 5MB\/10MB/);
      await terminal.see('Status: Downloaded newer image for alpine\r\nalpine\r\n');
    });
  });
}
