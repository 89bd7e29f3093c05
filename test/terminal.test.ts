import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { TestHyperd } from './support/hyperd.ts';
import { Screen } from './support/screen.ts';

const prompt = /\n?\/ # $/;
const quoted = (words: readonly string[]): string =>
  words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');

for (const { name, bundle } of [
  { name: 'the binary', bundle: false },
  { name: 'the Node bundle', bundle: true },
]) {
  describe(`in a terminal, with ${name}`, () => {
    let hyperd: TestHyperd;
    before(async () => {
      hyperd = await TestHyperd.start();
    });
    after(async () => await hyperd[Symbol.asyncDispose]());

    /**
     * hyper on a terminal, under a shell which says first what hyper's process is, and afterwards its exit code and
     * whether the terminal is as it was.
     */
    const open = (args: readonly string[], size: { readonly cols?: number; readonly rows?: number } = {}): Screen => {
      const [file, first, env] = hyperd.command(args, { bundle });
      const line = `stty -ixany echoctl; before=$(stty -g); sh -c 'echo "<$$>"; exec "$@"' sh ${quoted([file, ...first])}; echo "exit=$?"; [ "$before" = "$(stty -g)" ] && echo restored || stty -a`;
      return new Screen('/bin/sh', ['-c', line], { env, ...size });
    };
    const left = async (screen: Screen, code: number): Promise<void> => {
      await screen.until(new RegExp(`exit=${code}\nrestored$`));
      assert.equal(await screen.exit, 0);
    };
    /** Attached to a shell that waits at its prompt. */
    const attach = async (size?: { readonly cols: number; readonly rows: number }): Promise<Screen> => {
      const screen = open(['attach', 'kept'], size);
      screen.type('\r');
      await screen.until(/\/ # $/);
      return screen;
    };
    const pidOf = (screen: Screen): number => Number(/<(\d+)>/.exec(screen.output.toString())?.[1]);

    describe('hyper run -it', () => {
      let screen: Screen;
      before(async () => {
        screen = open(['run', '-it', '--rm', '--name', 'shell', 'busybox', 'sh'], { cols: 100, rows: 30 });
        await screen.until(prompt);
      });
      after(() => screen[Symbol.dispose]());

      /** Types a line on an empty screen and waits until the screen looks so. */
      const enter = async (line: string, looks: RegExp): Promise<string> => {
        screen.clear();
        screen.type(`${line}\r`);
        return await screen.until(looks);
      };

      it('shows a prompt, echoes what is typed, and edits lines', async () => {
        await enter('echo abX\x7fc', /^echo abc\nabc\n\/ # $/);
        screen.clear();
        screen.type('\x1b[A\x1b[D\x1b[D\x1b[Dz\r'); // up: the last line again; left thrice
        await screen.until(/echo zabc\nzabc\n\/ # $/);
      });

      it('has the size of our terminal, and hears when it changes', async () => {
        await enter('stty size', /^30 100\n\/ # $/m);
        await enter(
          `sh -c 'trap "stty size; exit" WINCH; echo wait""ing; while :; do usleep 50000; done'`,
          /^waiting$/m,
        );
        screen.resize(120, 40);
        await screen.until(/^40 120\n\/ # $/m);
        await enter('stty size', /^40 120\n\/ # $/m);
        screen.resize(80, 24);
        await enter('until [ "$(stty size)" = "24 80" ]; do usleep 50000; done; stty size', /^24 80\n\/ # $/m);
      });

      it('leaves newlines as the process wrote them', async () => {
        await enter(String.raw`printf 'one\ntwo\n'`, /^one\ntwo\n\/ # $/m);
        assert.match(screen.output.toString('latin1'), /[^\r]\r\none\r\ntwo\r\n/);
        // Without the guest's own processing nothing is added here either.
        await enter(String.raw`stty -opost; printf 'up''per\nlo''wer\n'; stty opost`, /\/ # $/);
        await screen.until(/lower/);
        assert.match(screen.output.toString('latin1'), /upper\nlower\n/);
        assert.match(screen.text, /\n {5,}lower/, 'a staircase, as it must be');
      });

      it('interrupts with Ctrl-C what runs in the shell, and the shell lives', async () => {
        await enter(`sh -c 'echo g""o; exec sleep 1000'`, /^go$/m);
        screen.type('\x03');
        await screen.until(/\^C\n\/ # $/);
        await enter('echo code=$?', /^code=130\n\/ # $/m);
      });

      it('stops with Ctrl-Z what runs in the shell, and fg goes on with it', async () => {
        await enter(`sh -c 'echo g""o; exec cat'`, /^go$/m);
        screen.type('\x1a');
        await screen.until(/Stopped.*\n\/ # $/);
        screen.clear();
        screen.type('fg\r');
        await screen.until(/^sh -c/m);
        screen.type('hello\r');
        await screen.until(/hello\nhello$/);
        screen.type('\x04');
        await screen.until(prompt);
      });

      it('carries UTF-8, and every byte when the process wants it so', async () => {
        // What is typed before the shell has handed the terminal over is lost to both.
        await enter('echo go; cat', /^go$/m);
        screen.type('grüße ☃ 世界\r');
        await screen.until(/^grüße ☃ 世界\ngrüße ☃ 世界$/m);
        screen.type('\x04');
        await screen.until(prompt);
        const line =
          'stty raw -echo; echo r""aw; dd bs=1 count=256 2>/dev/null | od -An -v -tx1; stty sane; echo do""ne';
        await enter(line, /^raw$/m);
        const bytes = Buffer.from(Array.from({ length: 256 }, (_, at) => 255 - at)); // ctrl-p is not followed by ctrl-q
        screen.type(bytes);
        await screen.until(/done/);
        const dumped = screen.output.toString('latin1').match(/( [0-9a-f]{2}){16}/g);
        assert.equal(dumped?.join('').replaceAll(' ', ''), bytes.toString('hex'));
        await screen.until(prompt); // of the line that said done: only then is what is typed read by the shell again
        await enter('reset', prompt);
      });

      it('edits a file with vi', async () => {
        await enter('vi /tmp/file', /^(~\n){20,}.*\/tmp\/file.*1\/1/m);
        screen.type('ihello world\x1b');
        await screen.until(/^hello world\n~\n~/);
        screen.type('yyp0cwgoodbye\x1b');
        const text = await screen.until(/^hello world\ngoodbye world\n~/);
        assert.equal(text.split('\n').length, 24);
        screen.type(':wq\r');
        await screen.until(/written|\/ # $/);
        await enter('cat /tmp/file', /^hello world\ngoodbye world\n\/ # $/m);
      });

      it('draws top, and quits it', async () => {
        const text = await enter('top', /^Mem: .*\n(.*\n)*.* 1 +\d* *root .*/m);
        assert.match(text, /^ +PID +PPID +USER/m);
        screen.type('q');
        await screen.until(/\n\/ # $/);
        await enter('echo aft""er', /^after\n\/ # $/m);
      });

      it('ends with the shell’s exit code, and leaves the terminal as it was', async () => {
        screen.type('exit 5\r');
        await left(screen, 5);
      });
    });

    describe('the terminal is as it was', () => {
      before(async () => {
        const started = await hyperd.hyper([
          'run',
          '-d',
          '-it',
          '--name',
          'kept',
          '--stop-signal',
          'KILL',
          'busybox',
          'sh',
        ]);
        assert.equal(started.code, 0, started.stderr);
      });

      it('after hyper exec -it', async () => {
        using screen = open(['exec', '-it', 'kept', 'sh']);
        await screen.until(prompt);
        screen.type('stty size; tty\r');
        await screen.until(/^24 80\n\/dev\/pts\/\d+\n\/ # $/m);
        screen.type('exit 3\r');
        await left(screen, 3);
      });

      it('after an error', async () => {
        using missing = open(['exec', '-it', 'kept', 'nope']);
        await missing.until(/^hyper: exec: "nope": executable file not found in \$PATH$/m);
        await left(missing, 127);
        using unknown = open(['run', '-it', '--pull', 'never', 'not-here']);
        await unknown.until(/^hyper: no such image/m);
        await left(unknown, 125);
      });

      for (const [signal, code] of [
        ['SIGTERM', 143],
        ['SIGHUP', 129],
      ] as const) {
        it(`after ${signal}`, async () => {
          using screen = open(['exec', '-it', 'kept', 'sh']);
          await screen.until(prompt);
          process.kill(pidOf(screen), signal);
          await left(screen, code);
        });
      }

      it('after the detach keys; attach goes on with the process', async () => {
        using first = await attach();
        first.type('kept=here\r');
        await first.until(/kept=here\n\/ # $/);
        first.type('\x10\x11');
        await left(first, 0);
        assert.equal((await hyperd.client.podInspect('kept')).state, 'running');
        using second = await attach({ cols: 90, rows: 20 });
        second.type('echo $kept; stty size\r');
        await second.until(/^here\n20 90\n\/ # $/m);
        second.type('\x10\x11');
        await left(second, 0);
      });

      it('after the death of hyperd, whose successor goes on with the process', async () => {
        using screen = await attach();
        screen.type('echo seen\r');
        await screen.until(/^seen\n\/ # $/m);
        await hyperd.signal('SIGKILL');
        await screen.until(/hyper: lost the connection to the Hyper daemon/);
        await left(screen, 1);
        await hyperd.start();
        using again = await attach();
        again.type('echo $kept\r');
        await again.until(/^here\n\/ # $/m);
        again.type('\x10\x11');
        await left(again, 0);
      });

      it('after the death of the VM', async () => {
        using screen = await attach();
        screen.type('echo seen\r');
        await screen.until(/^seen\n\/ # $/m);
        const [vm] = await hyperd.client.vmList();
        process.kill(vm?.pid ?? 0, 'SIGKILL');
        await screen.until(/hyper: .*QEMU ended by itself or was killed from outside/);
        await left(screen, 1);
        assert.equal((await hyperd.client.podInspect('kept')).state, 'failed');
      });
    });

    it('refuses -it without a terminal, before anything is made', async () => {
      for (const args of [
        ['run', '-it', 'busybox'],
        ['exec', '-it', 'kept', 'sh'],
      ]) {
        const { code, stdout, stderr } = await hyperd.hyper(args, { bundle });
        assert.deepEqual([code, stdout], [2, '']);
        assert.match(stderr, /^hyper: the input device is not a TTY: leave out -t, or run it in a terminal$/m);
      }
      assert.deepEqual(
        (await hyperd.client.podList()).map((pod) => pod.name),
        ['kept'],
      );
    });
  });
}
