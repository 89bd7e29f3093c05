import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { cliBuilds } from './cli-builds.ts';

for (const build of cliBuilds) {
  describe(`help, ${build.name}`, () => {
    for (const words of [['--help'], ['exec', '--help'], ['help', 'run'], ['--version']]) {
      it(`is whole where the pipe is full: ${words.join(' ')}`, () => {
        const printed = execFileSync(build.command[0], [...build.command.slice(1), ...words], { encoding: 'utf8' });
        // As much as a pipe holds is before it.
        const late = '{ head -c 65536 /dev/zero; "$@"; } | { dd bs=1 count=60000 2>/dev/null; cat; } | tail -c +65537';
        assert.equal(execFileSync('sh', ['-c', late, 'sh', ...build.command, ...words], { encoding: 'utf8' }), printed);
        assert.match(printed, words.includes('--version') ? /^\d+\.\d+\.\d+/ : /^Usage: hyper/);
      });
    }
  });
}
