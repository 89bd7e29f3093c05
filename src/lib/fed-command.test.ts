import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { FedCommand } from './fed-command.ts';

describe('a command that is fed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hyper-fed-'));
  const path = join(folder, "it's");
  after(() => rmSync(folder, { recursive: true }));

  it('has its input, each time another, whatever it says', async () => {
    const append = ['-c', 'cat >>"$0"', path];
    const large = `${'x'.repeat(100_000)}$(exit 7)\\`;
    const inputs = ['one', "$HOME `id` ' \\", 'EOF', '', large];
    const command = new FedCommand('sh', append);
    await Promise.all(inputs.map((input) => command.run(input)));
    assert.equal(readFileSync(path, 'utf8'), inputs.map((input) => `${input}\n`).join(''));
  });

  it('says what it has complained of, and is asked again', async () => {
    const complain = ['-c', 'read line; echo no >&2; echo out; echo "$line" >&2; [ "$line" = good ]'];
    const command = new FedCommand('sh', complain);
    const asked = ['bad', 'good', 'worse'].map((input) => command.run(input));
    const [bad, good, worse] = await Promise.allSettled(asked);
    assert.equal(good?.status, 'fulfilled');
    for (const [ended, line] of [
      [bad, 'bad'],
      [worse, 'worse'],
    ] as const) {
      assert.ok(ended?.status === 'rejected');
      assert.match(String(ended.reason), new RegExp(`sh failed \\(exit code 1\\): no\\n${line}$`));
    }
  });

  it('says no more than a little of a long complaint', async () => {
    const script = 'cat >/dev/null; yes é | head -n 100000 >&2; exit 3';
    await assert.rejects(new FedCommand('sh', ['-c', script]).run(''), /exit code 3\): é\n(é\n)*.{0,2}$/);
  });

  it('that is not installed is named; it is looked for where PATH says by then', async (t) => {
    await assert.rejects(new FedCommand('hyper-has-no-such', []).run(''), { code: 'missing_dependency' });
    const cat = new FedCommand('cat', []);
    await cat.run('');
    const path = process.env['PATH'];
    t.after(() => (process.env['PATH'] = path));
    process.env['PATH'] = '/nowhere';
    await assert.rejects(cat.run(''), { code: 'missing_dependency' });
    process.env['PATH'] = path;
    await cat.run('');
  });

  it('whose shell is killed fails, and the next is run by another', async () => {
    const command = new FedCommand('sh', ['-c', 'read what; eval "$what"']);
    const killed = command.run('kill -9 $PPID');
    const next = command.run('true');
    await assert.rejects(killed, /the shell .* has ended/);
    await next;
  });

  it('is not run when it is cancelled before its turn, and is what it is when cancelled later', async () => {
    const gone = new FedCommand('sh', ['-c', 'read it; rm "$it"']);
    await assert.rejects(gone.run(path, AbortSignal.abort()), { code: 'cancelled' });
    const leaving = new AbortController();
    const command = new FedCommand('sh', [
      '-c',
      `read fifo; echo begun >"$fifo"; read go <"$fifo"; echo done >>"${path}"`,
    ]);
    const fifo = join(folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const running = command.run(fifo, leaving.signal);
    const waiting = command.run(fifo, leaving.signal);
    assert.equal(await readFile(fifo, 'utf8'), 'begun\n');
    const refused = assert.rejects(waiting, { code: 'cancelled' }); // which may come before the file is known to be written
    leaving.abort();
    await writeFile(fifo, 'go\n');
    await running;
    await refused;
    assert.match(readFileSync(path, 'utf8'), /done\n$/);
  });
});
