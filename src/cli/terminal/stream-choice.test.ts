import assert from 'node:assert/strict';
import { it } from 'node:test';
import { chooseStreams } from './stream-choice.ts';

const terminal = { stdinIsTerminal: true, stdoutIsTerminal: true };
const piped = { stdinIsTerminal: false, stdoutIsTerminal: false };
const outputPiped = { stdinIsTerminal: true, stdoutIsTerminal: false };

it('gives a tty where stdin and stdout are terminals, and sends stdin when it is one', () => {
  assert.deepEqual(chooseStreams({}, terminal), { tty: true, stdin: true });
  assert.deepEqual(chooseStreams({}, outputPiped), { tty: false, stdin: true });
  assert.deepEqual(chooseStreams({}, piped), { tty: false, stdin: false });
  assert.deepEqual(chooseStreams({ tty: false }, terminal), { tty: false, stdin: true });
});

it('does as -i, -t and -d say', () => {
  assert.deepEqual(chooseStreams({ interactive: true }, piped), { tty: false, stdin: true });
  assert.deepEqual(chooseStreams({ tty: true }, piped), { tty: true, stdin: false });
  assert.deepEqual(chooseStreams({ detach: true }, terminal), { tty: false, stdin: false });
  assert.deepEqual(chooseStreams({ detach: true, tty: true, interactive: true }, piped), { tty: true, stdin: true });
  assert.throws(() => chooseStreams({ tty: true, interactive: true }, piped), /the input device is not a TTY/);
});
