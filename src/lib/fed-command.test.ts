import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { runFed } from './fed-command.ts';

describe('a command that is fed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hyper-fed-'));
  const path = join(folder, "it's");
  after(() => rmSync(folder, { recursive: true }));

  it('has its input, each time another, whatever it says', async () => {
    const append = ['-c', 'cat >>"$0"', path];
    const large = `${'x'.repeat(100_000)}$(exit 7)\\`;
    const inputs = ['one', "$HOME `id` ' \\", 'EOF', '', large];
    await Promise.all(inputs.map((input) => runFed('sh', append, input)));
    assert.equal(readFileSync(path, 'utf8'), inputs.map((input) => `${input}\n`).join(''));
  });

  it('says what it has complained of, and is asked again', async () => {
    const complain = ['-c', 'read line; echo no >&2; echo out; echo "$line" >&2; [ "$line" = good ]'];
    const asked = ['bad', 'good', 'worse'].map((input) => runFed('sh', complain, input));
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
    await assert.rejects(runFed('sh', ['-c', script], ''), /exit code 3\): é\n(é\n)*.{0,2}$/);
  });

  it('that is not installed is named; it is looked for where PATH says by then', async (t) => {
    await assert.rejects(runFed('hyper-has-no-such', [], ''), { code: 'missing_dependency' });
    await runFed('cat', [], '');
    const path = process.env['PATH'];
    t.after(() => (process.env['PATH'] = path));
    process.env['PATH'] = '/nowhere';
    await assert.rejects(runFed('cat', [], ''), { code: 'missing_dependency' });
    process.env['PATH'] = path;
    await runFed('cat', [], '');
  });

  it('whose shell is killed fails, and the next is run by another', async () => {
    await assert.rejects(runFed('sh', ['-c', 'read what; eval "$what"'], 'kill -9 $PPID'), /the shell .* has ended/);
    await runFed('sh', ['-c', 'read what; eval "$what"'], 'true');
  });

  it('is not run when it is cancelled before', async () => {
    const ran = runFed('sh', ['-c', 'rm "$0"', path], '', AbortSignal.abort());
    await assert.rejects(ran, { code: 'cancelled' });
    assert.ok(readFileSync(path).length > 0);
  });
});
