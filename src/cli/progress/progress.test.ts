import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import xterm from '@xterm/headless';
import type { LayerProgress } from './layer-words.ts';
import { ProgressLines } from './progress-lines.ts';
import { ProgressScreen } from './progress-screen.ts';

const layer = (digit: string, status: LayerProgress['status'], currentBytes = 0, totalBytes: number | null = 100) =>
  ({ type: 'layer', digest: `sha256:${digit.repeat(64)}`, status, currentBytes, totalBytes }) as const;

/** What a terminal of this size shows. */
class TestScreen {
  readonly columns: number;
  readonly rows: number;
  readonly #terminal;

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
    this.#terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true, convertEol: true });
  }

  write(text: string): void {
    this.#terminal.write(text);
  }

  async lines(): Promise<string[]> {
    await new Promise<void>((resolve) => this.#terminal.write('', resolve));
    const { active } = this.#terminal.buffer;
    const lines = Array.from({ length: active.length }, (_, at) => active.getLine(at)?.translateToString(true) ?? '');
    return lines.filter((line) => line !== '');
  }
}

describe('ProgressScreen', () => {
  it('keeps one line a layer, and messages above them', async () => {
    const screen = new TestScreen(80, 24);
    const progress = new ProgressScreen(screen);
    progress.layer(layer('a', 'waiting'));
    progress.layer(layer('b', 'downloading', 50));
    progress.status('latest: Pulling from library/busybox');
    assert.deepEqual(await screen.lines(), [
      'latest: Pulling from library/busybox',
      'aaaaaaaaaaaa: Waiting',
      `bbbbbbbbbbbb: Downloading [${'='.repeat(20)}>${' '.repeat(20)}] 50B/100B`,
    ]);
    progress.layer(layer('a', 'exists'));
    progress.layer(layer('b', 'done', 100));
    progress.end();
    assert.deepEqual((await screen.lines()).slice(1), ['aaaaaaaaaaaa: Already exists', 'bbbbbbbbbbbb: Pull complete']);
  });

  it('fits a narrow and a low screen', async () => {
    const screen = new TestScreen(30, 4);
    const progress = new ProgressScreen(screen);
    for (const digit of ['a', 'b', 'c', 'd', 'e', 'f'])
      progress.layer(layer(digit, digit < 'c' ? 'done' : 'downloading', 5));
    progress.status('');
    progress.layer(layer('c', 'downloading', 10));
    progress.end();
    assert.deepEqual(await screen.lines(), [
      'cccccccccccc: Downloading 10B',
      'dddddddddddd: Downloading 5B/',
      '2 of 6 layers complete',
    ]);
  });

  it('shows bytes where the total is not known', async () => {
    const screen = new TestScreen(80, 24);
    const progress = new ProgressScreen(screen);
    progress.layer(layer('a', 'downloading', 1500, null));
    progress.end();
    assert.deepEqual(await screen.lines(), ['aaaaaaaaaaaa: Downloading 1.5kB']);
  });
});

describe('ProgressLines', () => {
  it('writes a line a change of state', () => {
    const lines: string[] = [];
    const progress = new ProgressLines((line) => lines.push(line));
    for (const bytes of [0, 50, 100]) progress.layer(layer('a', 'downloading', bytes));
    progress.layer(layer('a', 'done', 100));
    assert.deepEqual(lines, ['aaaaaaaaaaaa: Downloading', 'aaaaaaaaaaaa: Pull complete']);
  });
});
