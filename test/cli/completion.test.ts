import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { findExecutable } from '../../src/lib/find-executable.ts';
import { repository } from '../support/hyperd.ts';
import { FakeHyperd } from './fake-hyperd.ts';
import { CliTerminal, runCli } from './run-cli.ts';

const hyper = join(repository, 'dist/hyper');
const build = { name: 'the binary', command: [hyper] } as const;
const noZsh = (await findExecutable('zsh')) === undefined ? 'zsh is not installed' : false;

/** Has zsh say what stands on its command line, between marks, when ctrl-t is typed. */
const setUp = `TERM=dumb; PS1='%% '; fpath=($FOLDER/functions $fpath)
autoload -Uz compinit; compinit -u -d $FOLDER/dump
say-line() { print -r -- "<$BUFFER>"; zle kill-buffer; zle reset-prompt }
zle -N say-line; bindkey '^T' say-line; bindkey '^I' complete-word
`;

describe('the completion of zsh', { skip: noZsh, timeout: 60_000 }, () => {
  const ways = [
    { how: 'as a function of its path', load: '' },
    { how: 'by source <(hyper completion zsh)', load: 'fpath=(${fpath:#$FOLDER/*}); source <(hyper completion zsh)\n' },
  ];
  for (const { how, load } of ways) {
    it(`completes commands, flags, pods and images, loaded ${how}`, async () => {
      await using fake = await FakeHyperd.start();
      const env = { HYPER_HOST: `unix://${fake.socket}`, FOLDER: fake.folder };
      for (const name of ['web-server', 'database']) {
        assert.equal((await runCli(build, ['create', '--name', name, 'busybox'], env)).code, 0);
      }
      await mkdir(join(fake.folder, 'functions'));
      await mkdir(join(fake.folder, 'bin'));
      await symlink(hyper, join(fake.folder, 'bin/hyper'));
      await symlink(hyper, join(fake.folder, 'bin/hyperctl'));
      const script = (await runCli(build, ['completion', 'zsh'], env)).stdout;
      await writeFile(join(fake.folder, 'functions/_hyper'), script);
      await writeFile(join(fake.folder, 'set-up'), setUp + load);

      const path = `${fake.folder}/bin:${process.env['PATH'] ?? ''}`;
      using terminal = new CliTerminal('exec zsh -f -i', { ...env, PATH: path });
      terminal.type('source $FOLDER/set-up; print ready-$((6 * 7))\n');
      await terminal.see('ready-42');
      for (const [typed, completed] of [
        ['hyper ru', 'hyper run '],
        ['hyper pul', 'hyper pull '],
        ['hyperctl ru', 'hyperctl run '],
        ['hyper list contai', 'hyper list container '],
        ['hyper run --hostn', 'hyper run --hostname '],
        ['hyper rm we', 'hyper rm web-server '],
        ['hyper exec da', 'hyper exec database '],
        ['hyper rmi bu', 'hyper rmi busybox:latest '],
        ['hyper nonsense x', 'hyper nonsense x'],
      ] as const) {
        terminal.type(`${typed}\t\x14`);
        await terminal.see(`<${completed}>`);
      }
    });
  }
});
