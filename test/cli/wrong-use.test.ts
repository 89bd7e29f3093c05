import assert from 'node:assert/strict';
import type { Command } from 'commander';
import { describe, it } from 'node:test';
import { buildProgram } from '../../src/cli/program.ts';
import { cliBuilds } from './cli-builds.ts';
import { FakeHyperd } from './fake-hyperd.ts';
import { runCli } from './run-cli.ts';

const [build] = cliBuilds;
const program = await buildProgram(
  {
    env: {},
    exitCode: 0,
    connect: () => Promise.reject(new Error('nobody is asked')),
    print: () => undefined,
    note: () => undefined,
  },
  { everything: true },
);
const leavesOf = (command: Command, path: readonly string[] = []): { command: Command; path: readonly string[] }[] =>
  command.commands.length === 0
    ? [{ command, path }]
    : command.commands.flatMap((each) => leavesOf(each, [...path, each.name()]));
/** Names nothing that is there, and no word that an argument allows. */
const unknown = 'no-such-thing';

describe('wrong use of every command ends in a code other than 0', { timeout: 300_000 }, () => {
  const fails = async (fake: FakeHyperd, args: readonly string[], code?: number): Promise<void> => {
    assert.ok(build !== undefined);
    const env = { HYPER_HOST: `unix://${fake.socket}`, HOME: fake.folder };
    const ran = await runCli(build, args, env, '');
    const words = `hyper ${args.join(' ')}: ${ran.code}: ${ran.stderr}`;
    assert.ok(ran.code !== 0 && ran.code !== null, words);
    if (code !== undefined) assert.equal(ran.code, code, words);
    assert.match(ran.stderr, /^hyper: \S/m, words);
  };

  for (const { command, path } of leavesOf(program)) {
    it(path.join(' '), async () => {
      await using fake = await FakeHyperd.start();
      fake.pullEvents = [{ type: 'error', code: 'not_found', message: 'no such image' }];
      const required = command.registeredArguments.filter((each) => each.required).map(() => unknown);
      await fails(fake, [...path, '--no-such-flag'], 2);
      for (const option of command.options.filter((each) => each.required && each.long !== undefined)) {
        await fails(fake, [...path, option.long ?? '']); // its value is missing
      }
      if (required.length > 0) {
        await fails(fake, path, 2);
        await fails(fake, [...path, ...required]);
      }
      const takesAny = command.registeredArguments.some((each) => each.variadic);
      if (!takesAny) await fails(fake, [...path, ...command.registeredArguments.map(() => unknown), unknown, unknown]);
    });
  }

  it('a command that is none', async () => {
    await using fake = await FakeHyperd.start();
    for (const args of [[unknown], ['network', unknown], ['--no-such-flag'], ['help', unknown]])
      await fails(fake, args);
  });
});
