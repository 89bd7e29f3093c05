import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { describeTree } from '../completion/command-words.ts';
import { bashCompletion } from '../completion/bash.ts';
import { zshCompletion } from '../completion/zsh.ts';
import { addExamples } from '../examples.ts';
import { parseChoice } from '../values/container-values.ts';

const shells = ['bash', 'zsh'] as const;

export function define(command: Command, cli: Cli, wholeTree: () => Promise<Command>): void {
  command
    .argument('<shell>', 'bash or zsh', (text) => parseChoice(text, 'the shell', shells))
    .action(async (shell: (typeof shells)[number]) => {
      const words = describeTree(await wholeTree());
      cli.print(shell === 'bash' ? bashCompletion(words) : zshCompletion(words));
    });
  addExamples(command, [
    ['source <(hyper completion bash)', 'in this shell'],
    ['hyper completion zsh > ~/.zfunc/_hyper', 'for good, where ~/.zfunc is in $fpath'],
  ]);
}
