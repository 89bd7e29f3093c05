import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';

const here = JSON.stringify(new URL('./leave-process.ts', import.meta.url).href);

/** Runs a module to its end. */
function run(text: string): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const args = [
    '--input-type=module',
    '--eval',
    `import { leaveProcess } from ${here}; process.on('exit', () => console.log('exit')); ${text}`,
  ];
  return spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 });
}

describe('leaving a process', () => {
  for (const code of [0, 1, 75]) {
    it(`ends it with ${code} and says nothing`, () => {
      const { status, stdout, stderr } = run(`leaveProcess(${code}); console.log('went on');`);
      assert.deepEqual([status, stdout, stderr], [code, '', '']);
    });
  }
});
