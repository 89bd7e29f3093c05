import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { it } from 'node:test';

const logUrl = new URL('daemon-log.ts', import.meta.url).href;

it('a log that cannot be written throws at nobody', () => {
  const script = `
    import { openLog } from '${logUrl}';
    const log = openLog('info');
    for (let line = 0; line < 9; line++) log.error({ line }, 'nobody reads this');
    console.log('goes on');
  `;
  const full = openSync('/dev/full', 'w');
  try {
    const { status, stdout } = spawnSync(process.execPath, ['--input-type=module-typescript', '--eval', script], {
      stdio: ['ignore', 'pipe', full],
      encoding: 'utf8',
    });
    assert.deepEqual([status, stdout], [0, 'goes on\n']);
  } finally {
    closeSync(full);
  }
});
